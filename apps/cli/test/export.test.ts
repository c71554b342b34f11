import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { run, succeed } from './run';
import { modelFolder } from './tiny-files';

const { at, bundle, base, cpu } = modelFolder();
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

describe('export', () => {
  test('a class goes to PEFT and comes back into the bundle', async () => {
    const out = at('bars');
    const { stdout, stderr } = await succeed('export', bundle, '--class', 'bars', '--as', 'peft', '--out', out, ...cpu);
    expect(stdout).toMatch(/bars: model of the learngenes, LoRA of rank 2 for bars, base [0-9a-f]{12}\n$/);
    expect(stderr).toMatch(/warning .*set downscale_freq_shift .* to 0/);
    expect(readdirSync(out).sort()).toEqual(['adapter', 'learngene.json', 'transformer']);
    expect(json(at('bars/adapter/adapter_config.json'))).toMatchObject({ peft_type: 'LORA', r: 2, lora_alpha: 2 });
    const taken = await run('bundle', 'add', bundle, out, ...cpu);
    expect([taken.code, taken.stderr]).toEqual([1, expect.stringMatching(/the bundle has a group 'bars' already/)]);
    const added = await succeed('bundle', 'add', bundle, out, '--as', 'stripes', ...cpu, '--json', '--quiet');
    expect(JSON.parse(added.stdout)).toMatchObject({ groups: ['bars', 'dots', 'stripes'], cut: [] });
    const images = async (name: string) => {
      const png = at(`${name}.png`);
      await succeed('sample', '--from', bundle, '--class', name, '--count', '2', '--out', png, ...cpu);
      return readFileSync(png);
    };
    expect(await images('stripes')).toEqual(await images('bars'));
    const cut = await succeed(
      'bundle',
      'add',
      bundle,
      at('bars/adapter'),
      '--model',
      at('bars/transformer'),
      '--as',
      'cut',
      '--tailor-rank',
      '1',
      ...cpu,
    );
    expect(cut.stderr).toMatch(/warning blocks\.1\.mlp\.out: rank 2 was cut, relative error \d/);
    expect(cut.stdout).toMatch(/4 groups; wrote "tailors\/cut.safetensors", "kind.json"/);
  });

  test('a run is exported without a class, and replaced only by --force', async () => {
    const out = at('learngenes');
    const args = ['export', base, '--as', 'peft', '--out', out, ...cpu];
    expect((await succeed(...args)).stdout).toMatch(/model of the learngenes, no adapter/);
    expect(existsSync(at('learngenes/adapter'))).toBe(false);
    const there = await run(...args);
    expect([there.code, there.stderr]).toEqual([
      2,
      expect.stringMatching(/--out .*learngenes: exists already; give --force/),
    ]);
    const forced = await succeed(...args, '--force', '--class', 'dots', '--json', '--quiet');
    expect(JSON.parse(forced.stdout)).toMatchObject({ out, group: 'dots', classes: ['dots'], rank: 2 });
    writeFileSync(at('learngenes/mine.txt'), 'mine');
    expect((await run(...args, '--force')).stderr).toMatch(/--force replaces only what this command writes/);
  });

  test.each<[string, () => string[], RegExp]>([
    ['no format', () => ['export', bundle, '--out', at('never')], /required option '--as <format>' not specified/],
    [
      'another format',
      () => ['export', bundle, '--as', 'onnx', '--out', at('never')],
      /'onnx' is invalid. Allowed choices are peft/,
    ],
    [
      'an unknown class',
      () => ['export', bundle, '--as', 'peft', '--class', 'owl', '--out', at('never'), ...cpu],
      /has no class "owl"/,
    ],
    [
      'classes of two groups',
      () => ['export', bundle, '--as', 'peft', '--classes', 'bars,dots', '--out', at('never'), ...cpu],
      /classes: expected classes of one group/,
    ],
    [
      'a file to write',
      () => ['export', bundle, '--as', 'peft', '--out', at('never.json')],
      /expected the name of a folder/,
    ],
    [
      'an adapter without its model',
      () => ['bundle', 'add', bundle, at('bars/adapter'), '--as', 'x', ...cpu],
      /--model: expected the folder of the model/,
    ],
    [
      'a rank for a run',
      () => ['bundle', 'add', bundle, base, '--tailor-rank', '2', ...cpu],
      /--tailor-rank: expected none: it has a part only with an adapter/,
    ],
    [
      'a rank of nothing',
      () => ['bundle', 'add', bundle, at('bars'), '--tailor-rank', '0'],
      /--tailor-rank: expected a whole number of at least 1/,
    ],
  ])('%s is a usage error', async (_, args, message) => {
    const { code, stderr } = await run(...args());
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    expect(existsSync(at('never'))).toBe(false);
  });
});

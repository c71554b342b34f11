import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import type { Command } from 'commander';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleCommand } from '../src/commands/bundle';
import { decomposeCommand } from '../src/commands/decompose';
import { exportCommand } from '../src/commands/export';
import { sampleCommand } from '../src/commands/sample';
import { trainCommand } from '../src/commands/train';
import { inProcess } from './in-process';
import { tiny, writeImages } from './run';

const folder = temporaryFolder('export');
const at = (...names: string[]) => join(folder, ...names);
const cpu = ['--engine', 'cpu'];
const { run, refusal } = inProcess();
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const peft = ['--as', 'peft', '--out'];

beforeAll(async () => {
  const data = at('images.safetensors');
  await writeImages(data);
  // Steps that move tailors, which start at zero, far enough that images show it.
  const far = ['--learning-rate', '0.05', '--set', 'training.emaDecay=0.1', '--set', 'training.clipNorm=10'];
  await run(
    trainCommand,
    '--data',
    data,
    '--novel',
    'flat',
    '--out',
    at('run'),
    '--steps',
    '8',
    ...tiny,
    ...far,
    ...cpu,
  );
  await run(decomposeCommand, '--from', at('run'), '--out', at('bundle'), ...cpu);
  await run(exportCommand, at('bundle'), '--class', 'bars', ...peft, at('bars'), ...cpu);
}, 300_000);

describe('learngene export', () => {
  test('a class goes to PEFT and comes back into the bundle', async () => {
    const printed = await run(exportCommand, at('bundle'), '--class', 'bars', ...peft, at('bars'), '--force', ...cpu);
    expect(printed).toMatch(/warning .*bars: .*set downscale_freq_shift .* to 0/);
    expect(printed).toMatch(/bars: model of the learngenes, LoRA of rank 2 for bars, base [0-9a-f]{12}\n$/);
    expect(readdirSync(at('bars')).sort()).toEqual(['adapter', 'learngene.json', 'transformer']);
    expect(json(at('bars/adapter/adapter_config.json'))).toMatchObject({ peft_type: 'LORA', r: 2, lora_alpha: 2 });
    const bundle = at('grown');
    cpSync(at('bundle'), bundle, { recursive: true });
    const added = await run(bundleCommand, 'add', bundle, at('bars'), '--as', 'stripes', '--json', '--quiet', ...cpu);
    expect(JSON.parse(added)).toMatchObject({ groups: ['bars', 'dots', 'stripes'], cut: [] });
    const images = async (name: string) => {
      const out = ['--out', at('images.png'), '--force'];
      await run(sampleCommand, '--from', bundle, '--class', name, '--count', '2', '--steps', '3', ...out, ...cpu);
      return readFileSync(at('images.png'));
    };
    const stripes = await images('stripes');
    expect(stripes).toEqual(await images('bars'));
    expect(stripes).not.toEqual(await images('dots'));
  });

  test('a rank that is asked for cuts an adapter, and the error is told by layer', async () => {
    const bundle = at('cut');
    cpSync(at('bundle'), bundle, { recursive: true });
    const adapter = [at('bars/adapter'), '--model', at('bars/transformer'), '--as', 'cut', '--tailor-rank', '1'];
    const printed = await run(bundleCommand, 'add', bundle, ...adapter, ...cpu);
    expect(printed).toMatch(/warning blocks\.0\.attn\.q: rank 2 was cut, relative error \d/);
    expect(printed.match(/was cut/g)).toHaveLength(12);
    expect(printed).toMatch(/3 groups; wrote "tailors\/cut.safetensors", "kind.json"/);
  });

  test('a run is exported without a class, and replaced only by --force', async () => {
    const out = at('learngenes');
    const args = [at('run'), ...peft, out, ...cpu];
    expect(await run(exportCommand, ...args)).toMatch(/model of the learngenes, no adapter/);
    expect(existsSync(at('learngenes/adapter'))).toBe(false);
    expect(await refusal(exportCommand, ...args)).toMatch(/^2 --out .*learngenes: exists already; give --force/);
    const forced = await run(exportCommand, ...args, '--force', '--class', 'dots', '--json', '--quiet');
    expect(forced).toMatch(/"group": "dots"/);
    writeFileSync(at('learngenes/mine.txt'), 'mine');
    expect(await refusal(exportCommand, ...args, '--force')).toMatch(/--force replaces only what this command writes/);
  });

  const bars = () => at('bundle');
  test.each<[string, () => Command, () => string[], RegExp]>([
    ['no format', exportCommand, () => [bars(), '--out', at('never')], /required option '--as <format>' not specified/],
    ['another format', exportCommand, () => [bars(), '--as', 'onnx', '--out', at('never')], /Allowed choices are peft/],
    ['an unknown class', exportCommand, () => [bars(), '--class', 'owl', ...peft, at('never')], /^2 .*no class "owl"/],
    [
      'classes of two groups',
      exportCommand,
      () => [bars(), '--classes', 'bars,dots', ...peft, at('never')],
      /^2 classes: expected classes of one group/,
    ],
    ['a file to write', exportCommand, () => [bars(), ...peft, at('never.json')], /^2 .*expected the name of a folder/],
    [
      'a class that the bundle has',
      bundleCommand,
      () => ['add', bars(), at('bars'), ...cpu],
      /^2 .*the bundle has a group 'bars' already/,
    ],
    [
      'an adapter without its model',
      bundleCommand,
      () => ['add', bars(), at('bars/adapter'), '--as', 'x', ...cpu],
      /^2 --model: expected the folder of the model/,
    ],
    [
      'a rank for a run',
      bundleCommand,
      () => ['add', bars(), at('run'), '--tailor-rank', '2', ...cpu],
      /^2 --tailor-rank: expected none: it has a part only with an adapter/,
    ],
    [
      'a rank of nothing',
      bundleCommand,
      () => ['add', bars(), at('bars'), '--tailor-rank', '0'],
      /^2 --tailor-rank: expected a whole number of at least 1/,
    ],
  ])('%s is refused', async (_, command, args, message) => {
    expect(await refusal(command, ...args())).toMatch(message);
    expect(existsSync(at('never'))).toBe(false);
  });
});

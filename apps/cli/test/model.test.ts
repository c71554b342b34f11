import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from '@learngene/tensor-io/node';
import { describe, expect, test } from 'vitest';
import { fingerprint, json, run, succeed, trainTiny } from './run';
import { modelFolder } from './tiny-files';

const { at, data, base, bundle, cpu } = modelFolder();

interface Size {
  parameters: number;
  macs: number;
  bytes: number;
}

describe('decompose', () => {
  test('writes learngenes, shared parts and a file a group', () => {
    expect(readdirSync(bundle).sort()).toEqual([
      'kind.json',
      'learngenes.safetensors',
      'shared.safetensors',
      'tailors',
    ]);
    expect(readdirSync(join(bundle, 'tailors'))).toHaveLength(2);
  });
  test('leaves a bundle that is there, unless told to replace it', async () => {
    const again = ['decompose', '--from', base, '--out', bundle, ...cpu];
    const refused = await run(...again);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('exists already; give --force')]);
    const { files } = await json<{ files: { file: string; bytes: number }[] }>(...again, '--force');
    expect(files.map(({ file }) => file)).toContain('kind.json');
  });
  test.each<[string, () => string, RegExp]>([
    ['the run it reads', () => base, /--force would delete .*base, which is read/],
    ['a folder that holds the run', () => at(), /--force would delete .*base, which is read/],
    [
      'what it has not written',
      () => {
        mkdirSync(at('mine'), { recursive: true });
        writeFileSync(at('mine', 'photo.png'), 'mine');
        return at('mine');
      },
      /--force replaces only what this command writes, and would delete .*photo.png/,
    ],
  ])('--force does not delete %s', async (_, out, message) => {
    const { code, stderr } = await run('decompose', '--from', base, '--out', out(), '--force', ...cpu);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    expect(existsSync(join(base, 'config.json'))).toBe(true);
    if (existsSync(at('mine'))) expect(readFileSync(at('mine', 'photo.png'), 'utf8')).toBe('mine');
  });
  test('takes runs only', async () => {
    expect(await run('decompose', '--from', bundle, '--out', at('never'))).toMatchObject({ code: 2 });
  });
});

describe('assemble', () => {
  test('keeps the named classes within the budget, and its model draws', async () => {
    const out = at('small');
    const whole = await json<{ before: Size }>('assemble', '--from', bundle, '--out', at('whole'), ...cpu);
    const budget = Math.floor(0.9 * whole.before.parameters);
    const args = ['--classes', 'dots', '--parameters', String(budget), '--out', out, ...cpu];
    const result = await json<{ before: Size; after: Size; groups: string[] }>('assemble', '--from', bundle, ...args);
    expect(result.groups).toEqual(['dots']);
    expect(result.after.parameters).toBeLessThanOrEqual(budget);
    expect(result.after.macs).toBeLessThanOrEqual(result.before.macs);
    const drawn = await json('sample', '--from', out, '--out', at('small.png'), '--count', '2', ...cpu);
    expect(drawn).toMatchObject({ classes: ['dots'], count: 2 });
  });
  test('diffusers keys need an MLP of four times the width', async () => {
    const from = at('wide');
    await succeed(...trainTiny(data, from, 1, '--classes', 'bars', '--set', 'model.mlpRatio=2', '--quiet'));
    const args = ['--form', 'dense', '--layout', 'diffusers', '--classes', 'bars', '--out', at('never')];
    const { code, stderr } = await run('assemble', '--from', from, ...args, ...cpu, '--quiet');
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('--layout diffusers: mlpRatio: expected 4 in diffusers'),
    ]);
  });
  test.each(['learngene', 'facebook', 'diffusers'])('dense with %s keys', async (layout) => {
    let from = bundle;
    if (layout === 'diffusers') {
      from = at('asDiffusers');
      await succeed(...trainTiny(data, from, 1, '--classes', 'bars', '--set', 'model.variant=diffusers', '--quiet'));
    }
    const out = at(layout === 'diffusers' ? 'diffusers' : `${layout}.safetensors`);
    const args = ['--form', 'dense', '--layout', layout, '--classes', 'bars', '--out', out, ...cpu];
    await json('assemble', '--from', from, ...args);
    const file = layout === 'diffusers' ? join(out, 'diffusion_pytorch_model.safetensors') : out;
    const found = await json<{ layout: string; tensors: { name: string; shape: number[] }[] }>('inspect', file);
    expect(found.layout).toBe(layout);
    const { config } = JSON.parse(readFileSync(join(bundle, 'kind.json'), 'utf8'));
    const numbers = found.tensors
      .filter(({ name }) => !name.includes('pos_embed'))
      .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    const { hiddenSize: d, depth } = config.dit;
    const block = 4 * (d * d + d) + (4 * d * d + 4 * d) + (4 * d * d + d) + 6 * (d * d + d);
    expect(numbers).toBeGreaterThan(depth * block);
    if (layout === 'diffusers') expect(existsSync(join(out, 'config.json'))).toBe(true);
    expect((await run('assemble', '--from', from, ...args)).code).toBe(2);
  });
  test.each([
    ['an unknown class', ['--classes', 'hearts'], /the model has no class "hearts"; it has "bars", "dots"/],
    ['two classes in a dense model', ['--form', 'dense'], /--form dense: give one of --classes "bars", "dots"/],
  ])('%s is wrong usage', async (_, args, message) => {
    for (const from of [bundle, base]) {
      const out = at(args.includes('dense') ? 'never.safetensors' : 'never');
      const { code, stderr } = await run('assemble', '--from', from, '--out', out, ...args, ...cpu, '--quiet');
      expect(stderr).toMatch(message);
      expect(code).toBe(2);
    }
  });
  test('a budget that is too small names the least', async () => {
    const { code, stderr } = await run(
      'assemble',
      '--from',
      bundle,
      '--out',
      at('never'),
      '--bytes',
      '10',
      ...cpu,
      '--quiet',
    );
    expect([code, stderr]).toEqual([1, expect.stringMatching(/budget.bytes: expected at least \d+ .*got 10/)]);
  });
});

describe('transfer', () => {
  const out = at('novel');
  const source = ['--data', 'packed', '--data-path', data];
  const settings = [
    '--steps',
    '4',
    '--batch-size',
    '8',
    '--learning-rate',
    '1e-3',
    '--set',
    'training.clipNorm=0.05',
    '--set',
    'training.logEvery=2',
    '--set',
    'training.checkpointEvery=2',
    '--set',
    'training.warmup=0',
  ];
  const args = (to: string, from = base) => [
    'transfer',
    '--from',
    from,
    '--classes',
    'flat',
    ...source,
    ...settings,
    '--out',
    to,
    ...cpu,
  ];

  test('trains fresh tailors; learngenes and shared parts stay those of the base, bit for bit', async () => {
    const result = await json(...args(out));
    expect(result).toMatchObject({ run: out, classes: ['flat'] });
    const { tensors: before } = await readSafetensors(join(base, 'checkpoints/step-4/ema.safetensors'));
    for (const tree of ['params', 'ema']) {
      const { tensors: after } = await readSafetensors(join(out, `checkpoints/step-4/${tree}.safetensors`));
      let compared = 0;
      for (const [name, { data }] of after) {
        if (name.startsWith('tailors.') || before.get(name) === undefined) continue;
        expect(data, name).toEqual(before.get(name)?.data);
        compared++;
      }
      expect(compared).toBeGreaterThan(40);
      expect([...after.keys()].some((name) => name.startsWith('tailors.flat.'))).toBe(true);
    }
    const start = (await readSafetensors(join(out, 'checkpoints/step-2/params.safetensors'))).tensors;
    const end = (await readSafetensors(join(out, 'checkpoints/step-4/params.safetensors'))).tensors;
    const moved = [...end].filter(
      ([name, { data }]) => !Buffer.from(data.buffer).equals(Buffer.from(start.get(name)?.data.buffer as ArrayBuffer)),
    );
    expect(moved.length).toBeGreaterThan(10);
    for (const [name] of moved) expect(name).toMatch(/^tailors\./);
  });
  test('from the bundle gives the same bits, and so does a resume before the first checkpoint', async () => {
    const other = at('novel-2');
    await succeed(...args(other, bundle), '--quiet');
    expect(fingerprint(other, 4)).toEqual(fingerprint(out, 4));
    rmSync(join(other, 'checkpoints'), { recursive: true });
    mkdirSync(join(other, 'checkpoints'));
    await succeed('transfer', '--resume', '--out', other, ...cpu, '--quiet');
    expect(fingerprint(other, 4)).toEqual(fingerprint(out, 4));
  });
  test.each<[string, string[], RegExp]>([
    ['an unknown class', ['--classes', 'hearts'], /has no class "hearts"; it has "bars", "dots", "flat"/],
    ['another model', ['--set', 'model.depth=3'], /model: a transfer takes it from .*base; leave it out/],
  ])('%s is wrong usage', async (_, more, message) => {
    const { code, stderr } = await run(...args(at('never')), ...more, '--quiet');
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
  test('is resumed with its own command, and not with another base or domain', async () => {
    const before = fingerprint(out, 4);
    await succeed(...args(out), '--resume', '--quiet');
    expect(fingerprint(out, 4)).toEqual(before);
    for (const [more, message] of [
      [['--from', bundle], /--from: .* was started with ".*", got ".*bundle"/],
      [['--domain', 'distant'], /--domain: .* was started with "near", got "distant"/],
      [['--tailor-rank', '99'], /--tailor-rank: .* was started with \d+, got 99/],
    ] as const) {
      const { code, stderr } = await run('transfer', '--resume', '--out', out, ...more, ...cpu);
      expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    }
  });
  test('train does not resume it', async () => {
    const { code, stderr } = await run('train', '--resume', '--out', out);
    expect([code, stderr]).toEqual([2, expect.stringContaining('resume it with learngene transfer')]);
  });
});

describe('inspect', () => {
  test('DiT-L/2 has the published size', async () => {
    expect(await json('inspect', 'DiT-L/2')).toMatchObject({
      parameters: { trainable: 457_840_672 },
      macs: { total: expect.closeTo(80.7e9, -8) },
    });
  });
  test('kind:DiT-L/2 has the size of the paper', async () => {
    const ranks = ['--learngene-rank', '268', '--tailor-rank', '102', '--groups', '150'];
    const found = await json<{ parameters: { transfer: number }; macsPerClass: { saved: number } }>(
      'inspect',
      'kind:DiT-L/2',
      ...ranks,
    );
    expect((found.parameters.transfer / 1e6).toFixed(2)).toBe('45.14');
    expect((found.macsPerClass.saved / 1e9).toFixed(2)).toBe('35.41');
  });
  test('a run, a bundle, a file', async () => {
    expect(await json('inspect', base)).toMatchObject({ command: 'train', checkpoints: [4], lastMetrics: { step: 4 } });
    expect(await json('inspect', bundle)).toMatchObject({ config: { learngeneRank: 4, tailorRank: 2 } });
    expect(await json('inspect', data)).toMatchObject({ layout: null, config: null });
    for (const what of [base, bundle, data, 'DiT-S/8'])
      expect((await succeed('inspect', what)).stdout.split('\n').length).toBeGreaterThan(3);
  });
  test.each<[string, object, string]>([
    ['a validation loss', { loss: 0.5, validationLoss: null }, 'step 4, loss 0.50000, validation loss not finite'],
    ['a loss', { loss: null, validationLoss: 0.25 }, 'step 4, loss not finite, validation loss 0.25000'],
  ])('a run with %s that was not finite', async (_, losses, shown) => {
    const diverged = at('diverged');
    cpSync(base, diverged, { recursive: true });
    writeFileSync(join(diverged, 'metrics.jsonl'), `${JSON.stringify({ step: 4, ...losses })}\n`);
    expect((await succeed('inspect', diverged)).stdout).toContain(shown);
  });
  test('a file of rubbish is one clear line', async () => {
    writeFileSync(at('rubbish.safetensors'), 'rubbish '.repeat(20));
    const { code, stderr } = await run('inspect', at('rubbish.safetensors'));
    expect([code, stderr.trim().split('\n').length]).toEqual([1, 1]);
  });
});

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNpz, readSafetensors, writeNpz } from '@learngene/tensor-io/node';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { fingerprint, json, run, sha256, succeed, temporaryFolder, trainTiny, writeImages } from './run';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const data = at('images.safetensors');
const base = at('base');
const bundle = at('bundle');
const cpu = ['--engine', 'cpu'];

interface Size {
  parameters: number;
  macs: number;
  bytes: number;
}

beforeAll(async () => {
  await writeImages(data);
  await succeed(...trainTiny(data, base, 4, '--novel', 'flat', '--quiet'));
  await succeed('decompose', '--from', base, '--out', bundle, ...cpu, '--quiet');
});

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
    ['a folder that holds the run', () => folder, /--force would delete .*base, which is read/],
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
  test('train does not resume it', async () => {
    const { code, stderr } = await run('train', '--resume', '--out', out);
    expect([code, stderr]).toEqual([2, expect.stringContaining('resume it with learngene transfer')]);
  });
});

describe('sample', () => {
  test('PNG and npz hold the same images; a seed repeats them', async () => {
    const args = (name: string) => [
      'sample',
      '--from',
      base,
      '--count',
      '3',
      '--columns',
      '3',
      '--out',
      at(`${name}.png`),
      '--npz',
      at(`${name}.npz`),
      ...cpu,
    ];
    const result = await json(...args('a'), '--batch-size', '4');
    expect(result).toMatchObject({ classes: ['bars', 'dots'], count: 6, seed: 0 });
    const arrays = await readNpz(at('a.npz'));
    expect(arrays.get('arr_0')).toMatchObject({ dtype: 'U8', shape: [6, 8, 8, 3] });
    expect(Array.from(arrays.get('arr_1')?.data ?? [], Number)).toEqual([0, 0, 0, 1, 1, 1]);
    const { width, height } = await sharp(at('a.png')).metadata();
    expect([width, height]).toEqual([8 * (3 * 10 + 2), 8 * (2 * 10 + 2)]);
    await succeed(...args('b'), '--batch-size', '4', '--quiet');
    expect(sha256(at('b.npz'))).toBe(sha256(at('a.npz')));
    await succeed(...args('c'), '--seed', '1', '--quiet');
    expect(sha256(at('c.npz'))).not.toBe(sha256(at('a.npz')));
  });
  test.each<[string, string[], RegExp]>([
    ['an unknown class', ['--classes', 'hearts'], /the model has no class "hearts"; it has "bars", "dots"/],
    ['too much noise', ['--sampler', 'ddim', '--eta', '2'], /sampling.eta/],
    ['eta of a sampler without', ['--sampler', 'euler', '--eta', '0.9'], /--eta: .* sampler euler; only ddim takes it/],
    ['too many steps', ['--steps', '2000'], /sampling.steps: expected at most diffusion.timesteps, 1000/],
  ])('%s is wrong usage', async (_, more, message) => {
    const { code, stderr } = await run('sample', '--from', base, '--out', at('never.png'), ...more, ...cpu, '--quiet');
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
  // The clip of wasm turns NaN into a bound, so that the last pixels are finite.
  test.each(['cpu', 'wasm'])(
    'pixels that are no numbers are an error on %s, and nothing is written',
    async (engine) => {
      const out = at('black.png');
      const args = ['--guidance', '1e39', '--sampler', 'euler', '--engine', engine, '--quiet'];
      const { code, stderr } = await run('sample', '--from', base, '--out', out, ...args);
      expect(stderr).toMatch(/sampling batch 1 of 1: expected finite pixels, got .*weights.*guidance/);
      expect([code, existsSync(out)]).toEqual([1, false]);
    },
  );
});

describe('evaluate', () => {
  const quick = ['--classifier-steps', '3', ...cpu];
  interface Scores {
    fid: number;
    noiseFid: number;
    classAccuracy: number;
  }
  test('a run against its held-out images; the classifier is kept beside it', async () => {
    const args = ['evaluate', '--from', base, '--count', '8', '--set', 'data.holdOut=0.5', ...cpu];
    const { stdout, stderr } = await succeed(...args, '--classifier-steps', '3', '--json');
    const scores: Scores = JSON.parse(stdout);
    expect(stderr).toContain(`Wrote ${join(base, 'classifier.safetensors')}`);
    expect(Number.isFinite(scores.fid) && Number.isFinite(scores.noiseFid)).toBe(true);
    expect(scores.classAccuracy).toBeGreaterThanOrEqual(0);
    expect(existsSync(join(base, 'classifier.safetensors'))).toBe(true);
    expect((await json<Scores>(...args)).fid).toBe(scores.fid);
    const one = await json<Scores>(...args, '--classes', 'dots');
    expect(one.fid).not.toBe(scores.fid);
    expect(one.classAccuracy).toBeLessThanOrEqual(1);
    const again = await run(...args, '--classifier-steps', '3');
    expect([again.code, again.stderr]).toEqual([
      2,
      expect.stringMatching(/--classifier-steps: has no part: .*classifier.safetensors is there and is not trained/),
    ]);
  });
  test('labels of samples are matched with the data by the names of the classes', async () => {
    const npz = at('named.npz');
    const source = ['--data', data, '--set', 'data.holdOut=0.5'];
    await succeed('sample', '--from', base, '--count', '2', '--out', at('named.png'), '--npz', npz, ...cpu, '--quiet');
    const named = await json<Scores>('evaluate', '--samples', npz, ...source, ...quick);
    expect(named.classAccuracy).toBeGreaterThanOrEqual(0);
    const arrays = await readNpz(npz);
    arrays.delete('learngene_classes');
    await writeNpz(at('unnamed.npz'), arrays);
    const { stdout, stderr } = await succeed('evaluate', '--samples', at('unnamed.npz'), ...source, ...quick, '--json');
    expect(JSON.parse(stdout)).not.toHaveProperty('classAccuracy');
    expect(stderr).toContain('class accuracy is left out: the samples do not name their classes');
  });
  test('what does not fit is told before the work, by name', async () => {
    const F64 = (...shape: number[]) => {
      const values = new Float64Array(shape.reduce((a, b) => a * b));
      return { dtype: 'F64' as const, shape, data: values };
    };
    const images = (size: number) => {
      const values = new Uint8Array(4 * size * size * 3);
      return { dtype: 'U8' as const, shape: [4, size, size, 3], data: values };
    };
    await writeNpz(at('large.npz'), new Map([['arr_0', images(16)]]));
    await writeNpz(at('fit.npz'), new Map([['arr_0', images(8)]]));
    await writeNpz(
      at('stats.npz'),
      new Map([
        ['mu', F64(64)],
        ['sigma', F64(64, 64)],
      ]),
    );
    const kept = ['--classifier', join(base, 'classifier.safetensors')];
    const rows: [string[], RegExp][] = [
      [['--from', base, '--metrics', ''], /--metrics: expected some of fid, .*, got none/],
      [
        ['--from', base, '--classifier', at('absent.npz')],
        /--classifier .*absent\.npz: expected the ending \.safetensors/,
      ],
      [['--samples', at('large.npz'), '--data', data], /--samples .*: expected 8x8x3 as the data, got 16x16x3/],
      [['--samples', at('large.npz'), '--data', data, ...kept], /expected 8x8x3 as the classifier, got 16x16x3/],
      [['--samples', at('fit.npz'), '--reference', at('stats.npz'), ...kept], /precision-recall .*give --metrics fid/],
      [['--from', base, '--reference', at('large.npz')], /--reference .*: expected 8x8x3 as the classifier/],
      [['--from', base, '--set', 'sampling.eta=0.5', '--set', 'sampling.sampler=euler'], /only ddim takes it/],
    ];
    for (const [args, message] of rows) {
      const { code, stderr } = await run('evaluate', ...args, '--engine', 'cpu', '--quiet');
      expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    }
  });
  test('a model of one class: the classifier learns all classes of the data', async () => {
    const one = at('one-class');
    await succeed('assemble', '--from', bundle, '--classes', 'dots', '--out', one, ...cpu, '--quiet');
    const classifier = at('made', 'classifier.safetensors');
    const source = ['--data', data, '--set', 'data.holdOut=0.5', '--count', '4', '--classifier', classifier];
    await json('evaluate', '--from', one, ...source, ...quick);
    expect((await readSafetensors(classifier)).metadata.classes).toBe('["bars","dots","flat"]');
  });
  test('an npz against an npz: FID of a set with itself is zero', async () => {
    const { tensors } = await readSafetensors(data);
    const images = tensors.get('images');
    if (images === undefined) throw new Error('no images');
    await writeNpz(at('real.npz'), new Map([['arr_0', images]]));
    const args = [
      '--samples',
      at('real.npz'),
      '--reference',
      at('real.npz'),
      '--classifier',
      join(base, 'classifier.safetensors'),
    ];
    const scores = await json<Scores>('evaluate', ...args, '--metrics', 'fid,kid', ...cpu);
    expect(Math.abs(scores.fid)).toBeLessThan(1e-3);
    expect(scores.noiseFid).toBeGreaterThan(scores.fid);
  });
  test('a bundle against named data; nothing is written beside', async () => {
    const before = readdirSync(bundle);
    const source = ['--data', 'packed', '--data-path', data, '--set', 'data.holdOut=0.5'];
    const scores = await json<Scores>('evaluate', '--from', bundle, '--count', '8', ...source, ...quick);
    expect(Number.isFinite(scores.fid)).toBe(true);
    expect(readdirSync(bundle)).toEqual(before);
  });
  test('too few held-out images is wrong usage', async () => {
    const { code, stderr } = await run(
      'evaluate',
      '--from',
      base,
      '--count',
      '4',
      '--set',
      'data.holdOut=0',
      ...cpu,
      '--quiet',
    );
    expect([code, stderr]).toEqual([2, expect.stringContaining('nothing was held out')]);
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
  test('a file of rubbish is one clear line', async () => {
    writeFileSync(at('rubbish.safetensors'), 'rubbish '.repeat(20));
    const { code, stderr } = await run('inspect', at('rubbish.safetensors'));
    expect([code, stderr.trim().split('\n').length]).toEqual([1, 1]);
  });
});

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readNpz, readSafetensors, writeNpz } from '@learngene/tensor-io/node';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { json, run, sha256, succeed } from './run';
import { modelFolder } from './tiny-files';

const { at, data, base, bundle, cpu } = modelFolder();

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
  test('a bundle is found by the name of its package, and what is not installed is named', async () => {
    const args = (from: string) => ['sample', '--from', from, '--classes', 'heart', '--count', '1', '--steps', '1'];
    const out = at('heart.png');
    const result = await json(...args('@learngene/emoji-bundle'), '--out', out, ...cpu);
    expect(result).toMatchObject({ classes: ['heart'], count: 1 });
    const { width, height } = await sharp(out).metadata();
    expect([width, height]).toEqual([68, 68]);
    const { code, stderr } = await run(...args('@learngene/no-such-bundle'), '--out', at('none.png'), ...cpu);
    expect(stderr).toContain('no package of this name is installed: npm install @learngene/no-such-bundle');
    expect(code).toBe(2);
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

  test.each<[string[], string]>([
    [['--convention', 'adm'], '--convention: has no part with --protocol: adm settles it'],
    [['--data', 'idx'], '--data: has no part with --protocol: give the real images by --reference'],
    [['--seed', '1'], '--seed: has no part with --protocol and --samples: nothing is drawn'],
    [['--force'], '--force: has no part without --save-reference'],
    [
      ['--metrics', 'kid'],
      '--metrics: adm does not compute kid; it computes inception-score, fid, sfid, precision-recall',
    ],
    [[], 'evaluate: --protocol takes features by Inception; give --inception'],
  ])('with a protocol, %j is refused by name', async (more, message) => {
    const { code, stderr } = await run('evaluate', '--protocol', 'adm', '--samples', at('a.npz'), ...more);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
  test('what is for protocols alone is refused without one', async () => {
    const { code, stderr } = await run('evaluate', '--samples', at('a.npz'), '--inception', at('a.npz'));
    expect(stderr).toContain('--inception: has a part with --protocol alone');
    expect(code).toBe(2);
  });
});

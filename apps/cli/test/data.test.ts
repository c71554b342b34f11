import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors, writeNpz } from '@learngene/tensor-io/node';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { fingerprint, run, start, succeed, tiny, writeImages } from './run';

const folder = temporaryFolder('cli');
const at = (...names: string[]) => join(folder, ...names);
const cpu = ['--engine', 'cpu'];
const photos = at('photos');
const base = at('base');
const bundle = at('bundle');

/** A folder of photos in three classes, names with commas, what file managers leave, and a class without images. */
async function writePhotos(path: string): Promise<void> {
  const { tensors } = await readSafetensors(at('images.safetensors'));
  const images = tensors.get('images')?.data as Uint8Array;
  for (const [label, name] of ['tench, Tinca tinca', 'caf\u00e9', 'third: one'].entries()) {
    mkdirSync(join(path, name), { recursive: true });
    for (let n = label; n < 36; n += 3) {
      const raw = { width: 8, height: 8, channels: 3 } as const;
      await sharp(images.subarray(n * 192, (n + 1) * 192), { raw })
        .png()
        .toFile(join(path, name, `${n}.png`));
    }
  }
  for (const name of ['empty', '.ipynb_checkpoints', '__MACOSX']) mkdirSync(join(path, name));
  writeFileSync(join(path, 'caf\u00e9', '._1.png'), 'left by another system');
}

beforeAll(async () => {
  await writeImages(at('images.safetensors'));
  await writePhotos(photos);
  const black = { dtype: 'U8', shape: [2, 8, 8, 3], data: new Uint8Array(384) } as const;
  await writeNpz(at('images.npz'), new Map([['arr_0', black]]));
  // From another folder, by a relative path: the recipe has to hold an absolute one.
  const args = [
    'train',
    '--data',
    'photos',
    '--size',
    '8',
    '--novel-class',
    'third: one',
    '--out',
    base,
    '--steps',
    '2',
  ];
  const { code, stderr } = await start([...args, ...cpu, ...tiny], { cwd: folder }).finished;
  if (code !== 0) throw new Error(stderr);
  expect(stderr).toContain('Data: a folder of class folders (4 folders)');
  expect(stderr).toContain('Passed over 3 that are no data:');
  expect(stderr).toContain('classes without images are left out: "empty"');
  expect(stderr.match(/Decoding images: 24\/24/g)).toHaveLength(1); // the novel class is not decoded
  await succeed('decompose', '--from', base, '--out', bundle, ...cpu, '--quiet');
});

describe('a forgotten --data', () => {
  test.concurrent.each<[string, string[], RegExp]>([
    ['train', ['train', '--out', at('never')], /--data: no data given; give a path/],
    ['data list', ['data', 'list'], /--data: no data given/],
    ['data prepare', ['data', 'prepare', '--out', at('never.safetensors')], /--data: no data given/],
    [
      'evaluate of samples',
      ['evaluate', '--samples', at('images.npz'), ...cpu],
      /nothing to compare with; give --data or --reference/,
    ],
  ])('is wrong usage: %s', async (_, args, message) => {
    const { code, stderr } = await run(...args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  test('of a transfer and an evaluation of a bundle: those of its recipe', async () => {
    const { metadata } = JSON.parse(readFileSync(join(bundle, 'kind.json'), 'utf8'));
    const config = JSON.parse(metadata.config);
    expect(config.data).toMatchObject({ source: 'folder', path: photos, size: 8 });
    expect(config.data.classes).toEqual(['caf\u00e9', 'tench, Tinca tinca']);
    const out = at('novel');
    const args = ['transfer', '--from', bundle, '--steps', '2', '--out', out, ...cpu]; // the novel class by default
    const { stderr } = await succeed(...args, '--set', 'training.warmup=0', '--set', 'training.batchSize=8');
    expect(stderr.match(/Decoding images: 12\/12/g)).toHaveLength(1); // once, and the novel class alone
    const record = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'));
    expect(record.config.data).toMatchObject({ source: 'folder', path: photos, classes: ['third: one'] });
    expect(record.base.path).toBe(bundle);
    const quick = ['--count', '4', '--classifier-steps', '2', '--set', 'data.holdOut=0.5', '--metrics', 'fid', ...cpu];
    const { stdout } = await succeed('evaluate', '--from', bundle, ...quick, '--class', 'cafe\u0301', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ fid: expect.any(Number) });
  });

  test('of a bundle that does not say: wrong usage', async () => {
    const silent = at('silent');
    cpSync(bundle, silent, { recursive: true });
    // Of the version before bundles had a checksum of what they say.
    const { checksum: __, ...manifest } = JSON.parse(readFileSync(join(silent, 'kind.json'), 'utf8'));
    const { data: _, ...config } = JSON.parse(manifest.metadata.config);
    writeFileSync(
      join(silent, 'kind.json'),
      JSON.stringify({ ...manifest, version: 3, metadata: { config: JSON.stringify(config) } }),
    );
    const transfer = await run('transfer', '--from', silent, '--out', at('never'), ...cpu);
    expect([transfer.code, transfer.stderr]).toEqual([2, expect.stringContaining('--data: no data given')]);
    const evaluate = await run('evaluate', '--from', silent, ...cpu);
    expect([evaluate.code, evaluate.stderr]).toEqual([
      2,
      expect.stringContaining('silent does not say what it was trained on); give --data or --reference'),
    ]);
  });
});

test('data that moved: the message says how to give their place, and a resume keeps it', async () => {
  const [here, there, out] = [at('here.safetensors'), at('there.safetensors'), at('moved')];
  await writeImages(here);
  const train = ['train', '--data', here, '--steps', '10', ...cpu, ...tiny, '--quiet'];
  await succeed(...train, '--out', out);
  await succeed(...train, '--out', at('unmoved'));
  renameSync(join(out, 'checkpoints', 'step-10'), at('step-10'));
  renameSync(here, there);
  const resume = ['train', '--out', out, '--resume', ...cpu];
  const lost = await run(...resume);
  expect([lost.code, lost.stderr]).toEqual([
    1,
    expect.stringContaining('if the data are elsewhere now, say where by --data-path'),
  ]);
  await writeImages(at('fewer.safetensors'), { perClass: 11 });
  const fewer = await run(...resume, '--data-path', at('fewer.safetensors'));
  expect([fewer.code, fewer.stderr]).toEqual([2, expect.stringMatching(/not those .*"\w+" has 11 images, had 12/)]);
  await succeed(...resume, '--data-path', there, '--quiet');
  expect(fingerprint(out, 10)).toEqual(fingerprint(at('unmoved'), 10));
  expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')).config.data.path).toBe(there);
  const { images: _, ...older } = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'));
  writeFileSync(join(out, 'config.json'), JSON.stringify(older));
  expect((await succeed(...resume)).stderr).toContain('whether these are the same could not be checked');
});

describe('--data takes a path', () => {
  const digits = at('digits');
  beforeAll(() => {
    mkdirSync(digits);
    const head = (...sizes: number[]) => {
      const bytes = Buffer.alloc(4 + 4 * sizes.length);
      bytes.set([0, 0, 8, sizes.length]);
      for (const [i, size] of sizes.entries()) bytes.writeUInt32BE(size, 4 + 4 * i);
      return bytes;
    };
    writeFileSync(join(digits, 'train-images-idx3-ubyte'), Buffer.concat([head(4, 8, 8), Buffer.alloc(4 * 64)]));
    writeFileSync(join(digits, 'train-labels-idx1-ubyte'), Buffer.concat([head(4), Buffer.from([0, 1, 2, 1])]));
  });
  test.concurrent.each<[string, () => string[], string, number]>([
    ['a folder', () => [photos, '--size', '8'], 'a folder of class folders (4 folders)', 36],
    ['IDX files', () => [digits], 'IDX files of the MNIST family (train-images-idx3-ubyte)', 4],
    ['an npz', () => [at('images.npz')], 'packed arrays (its tensor "arr_0")', 2],
    ['a safetensors file', () => [at('images.safetensors')], 'packed arrays (its tensor "images")', 36],
  ])('%s, its kind detected and said', async (_, args, said, size) => {
    const { stdout, stderr } = await succeed('data', 'list', '--data', ...args(), '--json');
    expect(stderr).toContain(`Data: ${said} in ${args()[0]}`);
    expect(JSON.parse(stdout).size).toBe(size);
  });
  test.concurrent.each<[string, string[], RegExp]>([
    ['a word that is wrong', ['fodler'], /--data fodler: expected a path .*; did you mean folder\?/],
    ['a path that is not there', ['no/where'], /--data no\/where: there is nothing at this path/],
    ['a kind without its path', ['folder'], /--data-path: needed for --data folder/],
    ['two paths', [folder, '--data-path', 'x'], /--data-path: --data .* is a path already/],
    [
      'a folder of nothing known',
      [join(photos, 'caf\u00e9')],
      /--data .*expected a folder with a folder for every class/,
    ],
  ])('%s is wrong usage', async (_, args, message) => {
    const { code, stderr } = await run('data', 'list', '--data', ...args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

describe('what is cheap is checked before an image is decoded and an engine starts', () => {
  const broken = at('broken');
  beforeAll(() => {
    for (const name of ['a', 'b']) {
      mkdirSync(join(broken, name), { recursive: true });
      writeFileSync(join(broken, name, '1.png'), 'no image');
    }
  });
  const gpu = ['--engine', 'tfjs-node-gpu'];
  const train = (...more: string[]) => ['train', '--data', broken, '--out', at('never'), ...gpu, ...more];
  test.concurrent.each<[string, () => string[], RegExp]>([
    ['a run that is there', () => ['train', '--data', broken, '--out', base, ...gpu], /there is a run already/],
    ['an unknown class', () => train('--class', 'x'), /has no class "x"; it has "a", "b"/],
    [
      'sizes that do not fit',
      () => train('--set', 'model.patchSize=5'),
      /model\.patchSize: images of \d+ pixels \(data\.size\)/,
    ],
    ['everything held out', () => train('--set', 'data.holdOut=1'), /data\.holdOut: expected below 1/],
    ['a missing engine', () => train(), /--engine tfjs-node-gpu: .*Remedy/],
    ['a dense model that is not there', () => train('--init-from', at('none')), /--init-from .*none: no such file/],
    [
      'a transfer into a run that is there',
      () => ['transfer', '--from', base, '--data', broken, '--out', base, ...gpu],
      /there is a run already/,
    ],
    [
      'an unknown class of a transfer',
      () => ['transfer', '--from', base, '--data', broken, '--class', 'x', '--out', at('never'), ...gpu],
      /has no class "x"; it has "a", "b"/,
    ],
    [
      'images of another size',
      () => ['transfer', '--from', base, '--data', broken, '--size', '16', '--out', at('never'), ...gpu],
      /the model takes 8x8x3, got 16x16x3/,
    ],
    [
      'an unknown class of a sample',
      () => ['sample', '--from', base, '--class', 'x', '--out', at('never.png'), ...gpu],
      /the model has no class "x"/,
    ],
    [
      'an unknown class of an evaluation',
      () => ['evaluate', '--from', base, '--class', 'x', ...gpu],
      /the model has no class "x"/,
    ],
    [
      'samples that are not there',
      () => ['evaluate', '--samples', at('none.npz'), '--data', broken, ...gpu],
      /--samples .*none\.npz: no such file/,
    ],
    [
      'an unknown group',
      () => ['assemble', '--from', bundle, '--class', 'x', '--out', at('never'), ...gpu],
      /the model has no class "x"/,
    ],
    ['a demo over other things', () => ['demo', '--out', photos, ...gpu], /expected a new folder or an earlier demo's/],
    [
      'a demo in latents of an autoencoder that is none',
      () => ['demo', '--vae', at('none/vae'), '--out', at('never'), ...gpu],
      /^error --vae: there is no autoencoder at .*none\/vae/,
    ],
    [
      'a demo of classes with too few images',
      () => ['demo', '--data', broken, '--novel', 'b', '--out', at('never'), ...gpu],
      /2 or more held-out images of the classes to learn, got 0: .*"a" has 1/,
    ],
  ])('%s', async (_, args, message) => {
    const { code, stderr } = await run(...args(), '--quiet');
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    expect(stderr).not.toContain('1.png');
    expect(existsSync(at('never'))).toBe(false);
  });
});

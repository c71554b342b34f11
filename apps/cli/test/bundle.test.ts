import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNpz } from '@learngene/tensor-io/node';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { assembleCommand } from '../src/commands/assemble';
import { bundleCommand } from '../src/commands/bundle';
import { decomposeCommand } from '../src/commands/decompose';
import { sampleCommand } from '../src/commands/sample';
import { trainCommand } from '../src/commands/train';
import { transferCommand } from '../src/commands/transfer';
import { inProcess } from './in-process';
import { tiny, writeImages } from './run';

const folder = temporaryFolder('bundle');
const at = (...names: string[]) => join(folder, ...names);
const cpu = ['--engine', 'cpu'];
const { run, refusal: refusalOf, printed } = inProcess();
const json = async <T = Record<string, unknown>>(...args: string[]) =>
  JSON.parse(await run(bundleCommand, ...args, '--json', '--quiet')) as T;
const refusal = (...args: string[]) => refusalOf(bundleCommand, ...args);

/** The images of a class, as bytes. */
async function images(from: string, name: string): Promise<Buffer> {
  const npz = at('images.npz');
  const options = [
    '--class',
    name,
    '--count',
    '2',
    '--steps',
    '3',
    '--guidance',
    '2',
    '--seed',
    '4',
    '--force',
    ...cpu,
  ];
  await run(sampleCommand, '--from', from, ...options, '--out', at('images.png'), '--npz', npz);
  return Buffer.from((await readNpz(npz)).get('arr_0')?.data as Uint8Array);
}

/** Settings by which a few steps move the weights that are sampled from far enough that images show it. */
const far = ['--learning-rate', '0.05', '--set', 'training.emaDecay=0.1', '--set', 'training.clipNorm=10'];

const transfer = (out: string, from: string, ...more: string[]) =>
  run(transferCommand, '--from', from, '--class', 'flat', '--steps', '4', '--out', out, ...far, ...more, ...cpu);

let bundle: string;
let count = 0;
beforeAll(async () => {
  const data = at('images.safetensors');
  await writeImages(data);
  const steps = ['--steps', '12', ...cpu, ...tiny, ...far];
  await run(trainCommand, '--data', data, '--novel', 'flat', '--out', at('base'), ...steps);
  await run(decomposeCommand, '--from', at('base'), '--out', at('fresh'), ...cpu);
  await transfer(at('flat'), at('fresh'));
  await transfer(at('flat-2'), at('base'), '--seed', '9');
  await transfer(at('far'), at('fresh'), '--domain', 'distant');
}, 300_000);
beforeEach(() => {
  bundle = at(`bundle-${count++}`);
  cpSync(at('fresh'), bundle, { recursive: true });
});

describe('a class of the gate alone', () => {
  test('joins the bundle of its base as the mixture that it is', async () => {
    await transfer(at('gated'), at('fresh'), '--trainable', 'gate');
    const own = await images(at('gated'), 'flat');
    await transfer(at('gated'), at('fresh'), '--trainable', 'gate', '--resume', '--steps', '4');
    const added = await json('add', bundle, at('gated'), ...cpu);
    expect(added).toMatchObject({ groups: ['bars', 'dots', 'flat'], wrote: ['tailors/flat.safetensors', 'kind.json'] });
    const joined = await images(bundle, 'flat');
    const apart = [...own].filter((value, i) => Math.abs(value - joined[i]) > 1);
    expect([own.length, apart.length]).toEqual([joined.length, 0]);
    await expect(
      transfer(at('gated'), at('fresh'), '--trainable', 'tailors', '--resume', '--steps', '4'),
    ).rejects.toThrow(/trainable/);
  });

  test('another null gate is another base', async () => {
    await transfer(at('nulled'), at('fresh'), '--null-gate', 'own-class');
    await expect(json('add', bundle, at('nulled'), ...cpu)).rejects.toThrow('another base');
    await expect(transfer(at('none'), at('fresh'), '--trainable', 'gate', '--domain', 'distant')).rejects.toThrow(
      'trainable: expected one of tailors-and-shared, all for a distant domain, got gate',
    );
  });
});

describe('from transfer to one bundle', () => {
  test('the novel class is drawn beside the old ones, which keep their bits', async () => {
    const before = [await images(bundle, 'bars'), await images(bundle, 'dots')];
    const added = await json('add', bundle, at('flat'), ...cpu);
    expect(added).toEqual({
      bundle,
      groups: ['bars', 'dots', 'flat'],
      wrote: ['tailors/flat.safetensors', 'kind.json'],
      deleted: [],
    });
    expect([await images(bundle, 'bars'), await images(bundle, 'dots')]).toEqual(before);
    const novel = await images(bundle, 'flat');
    expect(novel).toEqual(await images(at('flat'), 'flat'));
    for (const [one, other] of [
      [before[0], before[1]],
      [novel, before[0]],
    ])
      expect(one).not.toEqual(other);
    expect(readFileSync(join(bundle, 'learngenes.safetensors'))).toEqual(
      readFileSync(at('fresh/learngenes.safetensors')),
    );
    const { base, problems, strays } = await json('verify', bundle);
    expect([problems, strays]).toEqual([[], []]);
    for (const run of ['flat', 'flat-2']) {
      expect(JSON.parse(readFileSync(at(run, 'config.json'), 'utf8')).base.hash).toBe(base);
    }
    expect(JSON.parse(readFileSync(at('far/config.json'), 'utf8')).base).not.toHaveProperty('hash');
    await run(assembleCommand, '--from', bundle, '--class', 'flat', '--out', at(`alone-${count}`), ...cpu);
    expect(await images(at(`alone-${count}`), 'flat')).toEqual(await images(bundle, 'flat'));
  });

  test('one file of tailors is sent, renamed, and removed again', async () => {
    await json('add', bundle, at('flat'), ...cpu);
    const mail = at('mail.safetensors');
    cpSync(join(bundle, 'tailors/flat.safetensors'), mail);
    const friend = at(`friend-${count}`);
    cpSync(at('fresh'), friend, { recursive: true });
    expect(await json('add', friend, mail, '--as', 'plain')).toMatchObject({ groups: ['bars', 'dots', 'plain'] });
    expect(await images(friend, 'plain')).toEqual(await images(bundle, 'flat'));
    await json('rename', friend, 'plain', 'flat');
    expect(await json('list', friend)).toMatchObject({
      groups: [{}, {}, { name: 'flat', classes: ['flat'], file: 'tailors/flat.safetensors' }],
    });
    expect(await json('merge', friend, bundle)).toMatchObject({ wrote: [] });
    await json('remove', friend, 'flat');
    for (const file of readdirSync(at('fresh'), { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const path = join(file.parentPath, file.name);
      expect(readFileSync(join(friend, path.slice(at('fresh').length))), path).toEqual(readFileSync(path));
    }
  });

  test('a run from the time before the hash, and one that started from the run, fit as well', async () => {
    const old = at('old-run');
    cpSync(at('flat'), old, { recursive: true });
    const record = JSON.parse(readFileSync(join(old, 'config.json'), 'utf8'));
    delete record.base.hash;
    writeFileSync(join(old, 'config.json'), JSON.stringify(record));
    await json('add', bundle, old, '--as', 'old', ...cpu);
    await json('add', bundle, at('flat-2'), '--class', 'flat', ...cpu);
    expect(await json('list', bundle)).toMatchObject({ groups: [{}, {}, { name: 'old' }, { name: 'flat' }] });
  });

  test('a transfer with more components joins, and draws as in its run', async () => {
    await transfer(at('wide'), at('fresh'), '--tailor-rank', '3');
    const bars = await images(bundle, 'bars');
    await json('add', bundle, at('wide'), ...cpu);
    const { config } = JSON.parse(readFileSync(join(bundle, 'kind.json'), 'utf8'));
    expect([config.tailorRank, config.groups[2].tailorRank]).toEqual([2, 3]);
    expect(await images(bundle, 'flat')).toEqual(await images(at('wide'), 'flat'));
    expect(await images(bundle, 'bars')).toEqual(bars);
    expect(await json('verify', bundle)).toMatchObject({ problems: [] });
  });

  test('classes are mixed into one by weights', async () => {
    await run(bundleCommand, 'add', bundle, at('flat'), ...cpu);
    const npz = at('mixed.npz');
    const mixed = async (...args: string[]) => {
      const options = ['--count', '2', '--steps', '3', '--guidance', '2', '--seed', '4', '--force', ...cpu];
      const files = ['--out', at('mixed.png'), '--npz', npz];
      await run(sampleCommand, '--from', bundle, ...args, ...options, ...files);
      return Buffer.from((await readNpz(npz)).get('arr_0')?.data as Uint8Array);
    };
    const half = await mixed('--class', 'flat', '--weight', '0.5', '--class', 'bars', '--weight', '0.5');
    expect(printed()).toContain('2 images of "flat 0.5 + bars 0.5"');
    expect(half.length).toBe((await images(bundle, 'flat')).length);
    expect(half).not.toEqual(await images(bundle, 'flat'));
    expect(await mixed('--class', 'flat', '--weight', '1')).toEqual(await images(bundle, 'flat'));
    await expect(mixed('--class', 'flat', '--weight', '0.5')).rejects.toThrow('--weight: expected weights above 0');
    await expect(mixed('--weight', '1')).rejects.toThrow('--weight: expected one for each of 0 named classes, got 1');
  });

  test('people read what there is', async () => {
    await run(bundleCommand, 'add', bundle, at('flat'), ...cpu);
    const list = await run(bundleCommand, 'list', bundle);
    expect(list).toMatch(/^base {2}[0-9a-f]{64}, [\d.]+ KiB\nbars {2}[\d.]+ KiB, tailors\/bars.safetensors\n/);
    writeFileSync(join(bundle, 'tailors', 'left.safetensors'), 'x');
    expect(await run(bundleCommand, 'verify', bundle)).toMatch(
      /left.safetensors +not named by kind.json.*\n.*sound: 3 /,
    );
  });
});

describe('refuses by name', () => {
  test.each<[string, () => string[], RegExp]>([
    [
      'a transfer to a distant domain',
      () => ['add', bundle, at('far'), ...cpu],
      /^2 .*far: a transfer to a distant domain/,
    ],
    ['a class of the bundle', () => ['add', bundle, at('base'), ...cpu], /^2 .*the bundle has a group 'bars' already/],
    [
      'a class that the run has not',
      () => ['add', bundle, at('flat'), '--class', 'bars'],
      /^2 classes: the run has no class/,
    ],
    ['a bundle in the place of a run', () => ['add', bundle, at('fresh')], /^2 source .*fresh: .*this is a bundle/],
    ['a run in the place of a bundle', () => ['add', at('flat'), at('flat')], /^2 bundle .*flat: .*this is a run/],
    [
      'classes of one file',
      () => ['add', bundle, at('fresh/tailors/bars.safetensors'), '--class', 'x'],
      /^2 classes: exp/,
    ],
    [
      'a name that is not there',
      () => ['remove', bundle, 'owl'],
      /^2 names: expected one of 'bars', 'dots', got 'owl'/,
    ],
    ['a name that cannot be one', () => ['rename', bundle, 'bars', '__proto__'], /^2 to: '__proto__' is not allowed/],
    ['a name that is taken', () => ['rename', bundle, 'bars', 'dots'], /^2 to: the bundle has a group 'dots' already/],
    ['nothing at the path', () => ['merge', bundle, at('none')], /^2 .*none: no such file or folder/],
  ])('%s', async (_, args, message) => {
    const before = readdirSync(bundle, { recursive: true });
    expect(await refusal(...args())).toMatch(message);
    expect(readdirSync(bundle, { recursive: true })).toEqual(before);
  });

  test('tailors of another base, and a recipe of another process', async () => {
    await run(trainCommand, '--data', at('images.safetensors'), '--out', at('other'), '--steps', '1', ...cpu, ...tiny);
    await run(decomposeCommand, '--from', at('other'), '--out', at('other-bundle'), ...cpu);
    const sent = at('other-bundle/tailors/flat.safetensors');
    expect(await refusal('add', bundle, sent)).toMatch(/^2 .*flat.safetensors: another base: expected tailors of base/);
    expect(await refusal('merge', bundle, at('other-bundle'))).toMatch(/^2 .*other-bundle\/kind.json: another base/);
    const text = readFileSync(join(bundle, 'kind.json'), 'utf8');
    writeFileSync(join(bundle, 'kind.json'), text.replace(/(\\"prediction\\":\\")x0/, '$1epsilon'));
    try {
      expect(await run(bundleCommand, 'verify', bundle)).toMatch(/kind.json +checksum: expected/);
      expect(process.exitCode).toBe(1);
    } finally {
      process.exitCode = undefined;
    }
  });

  test('a resumed transfer whose base is another by now', async () => {
    const run_ = at('restarted');
    cpSync(at('flat'), run_, { recursive: true });
    rmSync(join(run_, 'checkpoints'), { recursive: true });
    mkdirSync(join(run_, 'checkpoints'));
    const record = JSON.parse(readFileSync(join(run_, 'config.json'), 'utf8'));
    record.base.hash = '0'.repeat(64);
    writeFileSync(join(run_, 'config.json'), JSON.stringify(record));
    const resumed = run(transferCommand, '--resume', '--out', run_, ...cpu);
    await expect(resumed).rejects.toThrow('fresh: expected the base that the run was started from (000000000000), got');
    expect(readdirSync(join(run_, 'checkpoints'))).toEqual([]);
  });
});

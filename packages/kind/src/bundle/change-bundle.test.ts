import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { disposeParams } from '@learngene/nn';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mailed, onBase } from '../../test/grown';
import { bits, randomModel, tinyConfig } from '../../test/random-model';
import type { KindModel } from '../params';
import { addTailors } from './add-tailors';
import { BundleError } from './bundle-error';
import { changeBundle } from './change-bundle';
import { baseHash } from './decompose';
import { loadBundle, saveBundle } from './folder';
import { folderBundle } from './folder-files';
import { removeTailors } from './remove-tailors';
import { verifyBundle } from './verify-bundle';

const root = temporaryFolder('change');

let model: KindModel;
let owl: Map<string, Uint8Array>;
let folder: string;
let count = 0;
beforeAll(async () => {
  await useTestBackend();
  model = randomModel(tinyConfig());
  owl = await mailed(onBase(model, [{ name: 'owl', classes: [0] }]), await baseHash(model));
});
beforeEach(async () => {
  folder = join(root, `bundle-${count++}`);
  await saveBundle(folder, model);
});

/** Content of all files in a folder by path; hidden files too. */
function contents(at = folder): Map<string, string> {
  const entries = readdirSync(at, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.sort().map((path) => [path.slice(at.length + 1), readFileSync(path, 'base64')]));
}
const groups = async () => {
  const { config, params } = await loadBundle(folder);
  disposeParams(params);
  return config.groups.map(({ name }) => name);
};
const addOwl = () => changeBundle(folder, (files) => addTailors(files, owl));
const failing = (at: number) => (files: Parameters<typeof addTailors>[0]) =>
  addTailors(files, owl).then((change) => {
    let n = 0;
    const write = new Map(change.write);
    write[Symbol.iterator] = function* () {
      for (const entry of Map.prototype.entries.call(write)) {
        if (n++ === at) throw new Error('stopped');
        yield entry as [string, Uint8Array];
      }
      return undefined;
    } as (typeof write)[typeof Symbol.iterator];
    return { ...change, write };
  });

describe('changeBundle', () => {
  test('writes what is new, and touches no other file', async () => {
    const before = contents();
    const change = await addOwl();
    expect(change.groups).toEqual(await groups());
    const after = contents();
    expect([...after.keys()].filter((file) => after.get(file) !== before.get(file))).toEqual([
      'kind.json',
      'tailors/owl.safetensors',
    ]);
    await changeBundle(folder, (files) => removeTailors(files, ['owl']));
    expect(contents()).toEqual(before);
  });

  test.each([0, 1])('stopped before write %i leaves the folder to the byte as it was', async (at) => {
    const before = contents();
    await expect(changeBundle(folder, failing(at))).rejects.toThrow('stopped');
    expect(contents()).toEqual(before);
    await addOwl();
    expect(await groups()).toContain('owl');
  });

  test('what a process leaves that was killed between two writes is the old bundle, and the next change mends it', async () => {
    const before = bits(model);
    writeFileSync(join(folder, 'tailors/owl.safetensors'), owl.get('owl')!.subarray(0, 50));
    writeFileSync(join(folder, '.kind.json.0123456789abcdef.tmp'), '{');
    const loaded = await loadBundle(folder);
    expect(bits(loaded)).toEqual(before);
    disposeParams(loaded.params);
    await addOwl();
    expect(await groups()).toContain('owl');
    expect((await verifyBundle(folderBundle(folder))).problems).toEqual([]);
  });

  test('of two at once one is refused, and nothing is lost', async () => {
    const results = await Promise.allSettled([addOwl(), addOwl()]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(JSON.stringify(results.map((result) => String((result as PromiseRejectedResult).reason)))).toContain(
      'another call of this process works in this folder',
    );
    expect(await groups()).toContain('owl');
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('names the folder in errors of the bundle, and not in those of a file that was sent', async () => {
    await expect(changeBundle(join(root, 'none'), async () => ({}) as never)).rejects.toThrow(
      `${root}/none/kind.json: cannot be fetched: ENOENT`,
    );
    writeFileSync(join(folder, 'kind.json'), '{');
    await expect(addOwl()).rejects.toThrow(`${folder}/kind.json: `);
    await saveBundle(folder, model, { replace: true });
    const sent = new Map([['mail/owl.safetensors', new Uint8Array(9)]]);
    const refused = changeBundle(folder, (files) => addTailors(files, sent));
    await expect(refused).rejects.toThrow(/^mail\/owl.safetensors: safetensors: /);
  });

  test('writes nothing outside the folder', async () => {
    const outside = join(root, `outside-${count}`);
    mkdirSync(outside);
    const change = await addTailors(folderBundle(folder), owl);
    renameSync(join(folder, 'tailors'), join(outside, 'tailors'));
    symlinkSync(join(outside, 'tailors'), join(folder, 'tailors'));
    const refused = changeBundle(folder, async () => change);
    await expect(refused).rejects.toThrow(BundleError);
    await expect(refused).rejects.toThrow('leads out of the folder');
    expect(existsSync(join(outside, 'tailors', 'owl.safetensors'))).toBe(false);
  });

  test.skipIf(process.platform === 'win32')('a folder that may not be written is refused by name', async () => {
    // A superuser may write anywhere, but not below a file.
    const superuser = process.getuid?.() === 0;
    if (superuser) {
      const change = await addTailors(folderBundle(folder), owl);
      rmSync(join(folder, 'tailors'), { recursive: true });
      writeFileSync(join(folder, 'tailors'), '');
      const kept = readFileSync(join(folder, 'kind.json'));
      await expect(changeBundle(folder, async () => change)).rejects.toThrow(/EEXIST|ENOTDIR/);
      expect(readFileSync(join(folder, 'kind.json'))).toEqual(kept);
    } else {
      chmodSync(folder, 0o500);
      try {
        await expect(addOwl()).rejects.toThrow(`${folder}: cannot write: EACCES`);
      } finally {
        chmodSync(folder, 0o700);
      }
    }
  });
});

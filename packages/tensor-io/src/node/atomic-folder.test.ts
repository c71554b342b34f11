import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { expect, test } from 'vitest';
import { TensorFileError } from '../tensor-file-error';
import { writeFolderAtomic } from './atomic-folder';

const folder = temporaryFolder('tensor-io');
const parent = (name: string): string => {
  mkdirSync(join(folder, name));
  return join(folder, name);
};
const build = (text: string) => async (at: string) => {
  await writeFile(join(at, 'a.txt'), text);
  await mkdir(join(at, 'deep'));
  await writeFile(join(at, 'deep', 'b.txt'), text);
};

test('builds beside the target and renames into place', async () => {
  const at = parent('new');
  await writeFolderAtomic(join(at, 'step-1'), async (temporary) => {
    expect(dirname(temporary)).toBe(at);
    expect(basename(temporary)).toMatch(/^\.step-1\.[0-9a-f]{16}\.tmp$/);
    expect(readdirSync(at)).toEqual([basename(temporary)]);
    await build('x')(temporary);
  });
  expect(readdirSync(at)).toEqual(['step-1']);
  expect(readFileSync(join(at, 'step-1', 'deep', 'b.txt'), 'utf8')).toBe('x');
});

test('refuses a target that exists before it builds, and replaces it when told to', async () => {
  const at = parent('replace');
  const target = join(at, 'step-1');
  await writeFolderAtomic(target, build('old'));
  let built = false;
  const again = writeFolderAtomic(target, async () => {
    built = true;
  });
  await expect(again).rejects.toThrow(`${target}: cannot write the folder: it exists already`);
  expect(built).toBe(false);
  await writeFolderAtomic(target, async (temporary) => writeFile(join(temporary, 'c.txt'), 'new'), { replace: true });
  expect(readdirSync(target)).toEqual(['c.txt']);
  expect(readdirSync(at)).toEqual(['step-1']);
});

test('a target that appears while building is an error, and stays', async () => {
  const at = parent('race');
  const target = join(at, 'step-1');
  const racing = writeFolderAtomic(target, async () => {
    mkdirSync(target);
    writeFileSync(join(target, 'other'), '');
  });
  await expect(racing).rejects.toThrow(/it exists already/);
  expect(readdirSync(at)).toEqual(['step-1']);
  expect(readdirSync(target)).toEqual(['other']);
});

test('removes what a failing build left, and throws its error as it is', async () => {
  const at = parent('fail');
  const target = join(at, 'step-1');
  await writeFolderAtomic(target, build('old'));
  const failure = new Error('stop');
  const failing = async (temporary: string) => {
    await build('half')(temporary);
    throw failure;
  };
  await expect(writeFolderAtomic(target, failing, { replace: true })).rejects.toBe(failure);
  expect(readdirSync(at)).toEqual(['step-1']);
  expect(readFileSync(join(target, 'a.txt'), 'utf8')).toBe('old');
});

test('names a parent that is not there', async () => {
  const target = join(folder, 'none', 'step-1');
  const error = await writeFolderAtomic(target, build('x')).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(TensorFileError);
  expect((error as Error).message).toBe(`${target}: cannot write the folder: no such file or folder (ENOENT)`);
});

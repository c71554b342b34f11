import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { buildSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { TensorFileError } from '../tensor-file-error';
import { writeAll, writeFileAtomic } from './atomic-file';
import { systemError } from './system-error';

const folder = temporaryFolder('tensor-io');
const windows = process.platform === 'win32';

function emptyFolder(name: string): string {
  mkdirSync(join(folder, name));
  return join(folder, name);
}

/** Runs an action without the rights of root, where the tests run as root. */
async function asNobody<T>(action: () => Promise<T>): Promise<T> {
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65534);
  try {
    return await action();
  } finally {
    if (root) process.seteuid?.(0);
  }
}

describe('writeFileAtomic', () => {
  test('writes bytes, text and pieces, in place of what was there, and leaves nothing else', async () => {
    const at = emptyFolder('write');
    const path = join(at, 'file');
    await writeFileAtomic(path, 'é');
    expect(readFileSync(path, 'utf8')).toBe('é');
    await writeFileAtomic(path, Uint8Array.of(1, 2));
    expect([...readFileSync(path)]).toEqual([1, 2]);
    await writeFileAtomic(path, [Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)]);
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
    async function* pieces() {
      yield Uint8Array.of(4);
      yield Uint8Array.of(5);
    }
    await writeFileAtomic(path, pieces());
    expect([...readFileSync(path)]).toEqual([4, 5]);
    expect(readdirSync(at)).toEqual(['file']);
  });

  test('keeps the old file and no other when the content fails', async () => {
    const at = emptyFolder('fail');
    const path = join(at, 'file');
    writeFileSync(path, 'old');
    const failure = new Error('no more');
    function* pieces(): Generator<Uint8Array> {
      yield new Uint8Array(1000);
      throw failure;
    }
    const error = await writeFileAtomic(path, pieces()).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(TensorFileError);
    expect(error).toMatchObject({ message: `${path}: cannot write: no more`, cause: failure });
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(at)).toEqual(['file']);
  });

  test('many writers at once leave one whole file', async () => {
    const at = emptyFolder('many');
    await Promise.all(
      Array.from({ length: 8 }, (_, i) => writeFileAtomic(join(at, 'x'), new Uint8Array(9999).fill(i))),
    );
    expect(new Set(readFileSync(join(at, 'x'))).size).toBe(1);
    expect(readdirSync(at)).toEqual(['x']);
  });

  test('names a folder that is not there, a folder in the place, and no path', async () => {
    const missing = join(folder, 'none', 'file');
    await expect(writeFileAtomic(missing, '')).rejects.toThrow(
      `${missing}: cannot write: no such file or folder (ENOENT)`,
    );
    const taken = emptyFolder('taken');
    writeFileSync(join(taken, 'inside'), '');
    await expect(writeFileAtomic(taken, '')).rejects.toThrow(
      /^.*taken: cannot write: .*\((EISDIR|EEXIST|ENOTEMPTY|EPERM)\)/,
    );
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await expect(writeFileAtomic('', '')).rejects.toThrow(/expected a path/);
  });

  test.skipIf(windows)('names a folder that may not be written', async () => {
    const at = emptyFolder('locked');
    chmodSync(folder, 0o755);
    chmodSync(at, 0o555);
    const error = await asNobody(() => writeFileAtomic(join(at, 'file'), 'x').catch((e: unknown) => e));
    expect(error).toMatchObject({
      message: `${join(at, 'file')}: cannot write: permission denied (EACCES)`,
      cause: { code: 'EACCES' },
    });
    expect(readdirSync(at)).toEqual([]);
  });

  test.skipIf(windows)(
    'removes the part that fits when the system refuses the rest (a real limit, in a child)',
    async () => {
      const at = emptyFolder('limited');
      const module = join(folder, 'atomic-file.mjs');
      const source = fileURLToPath(new URL('./atomic-file.ts', import.meta.url));
      buildSync({ entryPoints: [source], bundle: true, platform: 'node', format: 'esm', outfile: module });
      const script = fileURLToPath(new URL('../../test/write-limited.mjs', import.meta.url));
      const run = (bytes: number) => {
        const command = 'ulimit -f 64 && exec "$0" "$@"';
        const args = ['-c', command, process.execPath, script, module, join(at, 'file'), String(bytes)];
        return execFileSync('/bin/sh', args, { encoding: 'utf8' }).trim();
      };
      expect(run(1000)).toBe('written');
      const error = JSON.parse(run(1_000_000));
      expect(error).toEqual({
        name: 'TensorFileError',
        message: `${join(at, 'file')}: cannot write: the file would be larger than the system allows (EFBIG)`,
        code: 'EFBIG',
      });
      expect(readdirSync(at)).toEqual(['file']);
      expect(readFileSync(join(at, 'file')).length).toBe(1000);
    },
  );

  test.skipIf(!existsSync('/dev/full'))('a full device gives ENOSPC, in our words', async () => {
    // /dev/full answers every write as a full disk does.
    const handle = await open('/dev/full', 'w');
    const cause = await writeAll(handle, new Uint8Array(10)).catch((e: unknown) => e);
    await handle.close();
    expect(cause).toMatchObject({ code: 'ENOSPC' });
    expect(systemError('model.safetensors', 'write', cause)).toMatchObject({
      message: 'model.safetensors: cannot write: no space is left on the device (ENOSPC)',
      cause,
    });
  });
});

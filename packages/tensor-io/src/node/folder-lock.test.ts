import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { expect, test } from 'vitest';
import { FolderLockedError, lockFolder, lockMarker } from './folder-lock';

const folder = temporaryFolder('lock');

function newFolder(name: string): string {
  const run = join(folder, name);
  mkdirSync(run);
  return run;
}

test('a second call of the same process is refused until the first ends, which leaves nothing', async () => {
  const run = newFolder('own');
  const release = await lockFolder(run);
  expect(readdirSync(run)).toEqual([lockMarker(process.pid)]);
  await expect(lockFolder(run)).rejects.toThrow(`${run}: another call of this process works in this folder`);
  await release();
  expect(readdirSync(run)).toEqual([]);
  await (await lockFolder(run))();
});

test('a process that lives is refused by name, and the mark of one that was killed counts for nothing', async () => {
  const run = newFolder('other');
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const id = child.pid as number;
  const marker = join(run, lockMarker(id));
  try {
    writeFileSync(marker, '');
    await expect(lockFolder(run)).rejects.toThrow(FolderLockedError);
    await expect(lockFolder(run)).rejects.toThrow(`${run}: another process (id ${id}) works in this folder`);
    expect(readdirSync(run)).toEqual([lockMarker(id)]); // The refused one takes its own mark away and no other.
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  const release = await lockFolder(run);
  expect(readdirSync(run)).toEqual([lockMarker(process.pid)]);
  await release();
});

test.skipIf(!existsSync('/proc/self/stat'))('a process that has the id of a killed one is told from it', async () => {
  const run = newFolder('reused');
  for (const id of [process.pid, process.ppid]) {
    writeFileSync(
      join(
        run,
        lockMarker(id).replace(/\d+$/, (start) => String(Number(start) + 1)),
      ),
      '',
    );
  }
  await (await lockFolder(run))();
  expect(readdirSync(run)).toEqual([]);
});

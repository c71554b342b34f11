import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@learngene/pipeline';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { expect, test } from 'vitest';
import { lockRun, markerOf } from './run-lock';

const folder = temporaryFolder('lock');

function runFolder(name: string): string {
  const run = join(folder, name);
  mkdirSync(run);
  return run;
}

test('a second training of the same process is refused until the first ends, which leaves nothing', async () => {
  const run = runFolder('own');
  const release = await lockRun(run);
  expect(readdirSync(run)).toEqual([markerOf(process.pid)]);
  await expect(lockRun(run)).rejects.toThrow(`${run}: another training of this process works in this run`);
  await release();
  expect(readdirSync(run)).toEqual([]);
  await (await lockRun(run))();
});

test('a process that lives is refused by name, and the mark of one that was killed counts for nothing', async () => {
  const run = runFolder('other');
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const id = child.pid as number;
  const marker = join(run, markerOf(id));
  try {
    writeFileSync(marker, '');
    await expect(lockRun(run)).rejects.toThrow(ConfigError);
    await expect(lockRun(run)).rejects.toThrow(`${run}: another process (id ${id}) works in this run`);
    expect(readdirSync(run)).toEqual([markerOf(id)]); // The refused one takes its own mark away and no other.
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  const release = await lockRun(run);
  expect(readdirSync(run)).toEqual([markerOf(process.pid)]);
  await release();
});

test.skipIf(!existsSync('/proc/self/stat'))('a process that has the id of a killed one is told from it', async () => {
  const run = runFolder('reused');
  for (const id of [process.pid, process.ppid]) {
    writeFileSync(
      join(
        run,
        markerOf(id).replace(/\d+$/, (start) => String(Number(start) + 1)),
      ),
      '',
    );
  }
  await (await lockRun(run))();
  expect(readdirSync(run)).toEqual([]);
});

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { moveEntries } from './move-entries';

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'learngene-move-'));
  for (const key of ['a', 'b']) {
    mkdirSync(at('from', key), { recursive: true });
    writeFileSync(at('from', key, 'result.json'), key);
  }
  mkdirSync(at('to', 'a'), { recursive: true });
  writeFileSync(at('to', 'a', 'stale.json'), 'stale');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A system like Windows, where the first renames find the file open in another program. */
function busySystem(failures: number, code: string) {
  const calls = { renames: 0, sleeps: 0 };
  const system = {
    platform: 'win32' as const,
    async rename(from: string, to: string) {
      if (++calls.renames <= failures) throw Object.assign(new Error(code), { code });
      await rename(from, to);
    },
    async sleep() {
      calls.sleeps++;
    },
  };
  return { calls, system };
}

test('moves the entries that are wanted, over those of the same name', async () => {
  await moveEntries(at('from'), at('to'), { wanted: (name) => name === 'a' });
  expect([readdirSync(at('from')), readdirSync(at('to')), readdirSync(at('to', 'a'))]).toEqual([
    ['b'],
    ['a'],
    ['result.json'],
  ]);
});

test('a folder that is not there holds nothing, and none is made', async () => {
  await moveEntries(at('gone'), at('new'));
  expect(existsSync(at('new'))).toBe(false);
});

test.each(['EBUSY', 'EPERM', 'EACCES'])('%s of Windows is waited for, and no entry is lost', async (code) => {
  const { calls, system } = busySystem(3, code);
  await moveEntries(at('from'), at('to'), { system });
  expect(calls).toEqual({ renames: 5, sleeps: 3 });
  expect([readdirSync(at('from')), readdirSync(at('to'))]).toEqual([[], ['a', 'b']]);
  expect(readFileSync(at('to', 'a', 'result.json'), 'utf8')).toBe('a');
});

test('another error ends the move at once, and the entry stays where it was', async () => {
  const { calls, system } = busySystem(1, 'ENOSPC');
  await expect(moveEntries(at('from'), at('to'), { system })).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(calls).toEqual({ renames: 1, sleeps: 0 });
  expect(readdirSync(at('from'))).toEqual(['a', 'b']);
});

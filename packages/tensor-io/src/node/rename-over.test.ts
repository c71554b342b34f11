import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { expect, test } from 'vitest';
import { type RenameSystem, renameOver } from './rename-over';

const folder = temporaryFolder('tensor-io');

/** A system that answers the first renames with errors, and keeps what it was asked. */
function answering(platform: NodeJS.Platform, codes: readonly string[]) {
  const left = [...codes];
  const asked: (string | number)[] = [];
  const system: RenameSystem = {
    platform,
    rename: async (from, to) => {
      asked.push(`${from} > ${to}`);
      const code = left.shift();
      if (code !== undefined) throw Object.assign(new Error(code), { code });
    },
    sleep: async (milliseconds) => {
      asked.push(milliseconds);
    },
  };
  return { system, asked };
}

test('on Windows a file that is open for a moment is waited for', async () => {
  const { system, asked } = answering('win32', ['EPERM', 'EBUSY', 'EACCES']);
  await renameOver('a', 'b', system);
  expect(asked).toEqual(['a > b', 10, 'a > b', 20, 'a > b', 40, 'a > b']);
});

test('on Windows a file that stays open is an error of the system in the end', async () => {
  const { system, asked } = answering('win32', Array(20).fill('EBUSY'));
  await expect(renameOver('a', 'b', system)).rejects.toMatchObject({ code: 'EBUSY' });
  const waits = asked.filter((one) => typeof one === 'number');
  expect(waits.reduce((sum, one) => sum + one, 0)).toBe(2550);
  expect(asked).toHaveLength(2 * waits.length + 1);
});

test('an error that does not pass, and any error of another system, is thrown at once', async () => {
  for (const [platform, code] of [
    ['win32', 'ENOENT'],
    ['linux', 'EPERM'],
    ['darwin', 'EBUSY'],
  ] as const) {
    const { system, asked } = answering(platform, [code]);
    await expect(renameOver('a', 'b', system)).rejects.toMatchObject({ code });
    expect(asked).toEqual(['a > b']);
  }
});

test('a file that is being read is replaced, and its reader keeps the old bytes', async () => {
  writeFileSync(join(folder, 'old'), 'old');
  writeFileSync(join(folder, 'new'), 'new');
  const reader = await open(join(folder, 'old'));
  setTimeout(() => reader.close(), process.platform === 'win32' ? 100 : 10_000).unref();
  await renameOver(join(folder, 'new'), join(folder, 'old'));
  if (process.platform !== 'win32') expect(await reader.readFile('utf8')).toBe('old');
  await reader.close().catch(() => {});
  expect(readFileSync(join(folder, 'old'), 'utf8')).toBe('new');
  expect(readdirSync(folder)).toEqual(['old']);
});

import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tinyPlan } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { withoutRights } from '@learngene/testing/without-rights';
import { describe, expect, test } from 'vitest';
import { parsePlan } from '../plan/benchmark-plan';
import { checkPlaces } from './check-places';

const folder = temporaryFolder('places');
const at = (...parts: string[]) => join(folder, ...parts);
const plan = parsePlan(tinyPlan('images.safetensors'), 'plan');

test('new places, an earlier benchmark, and a document with its marks are taken, and left as they are', async () => {
  mkdirSync(at('there', 'trials'), { recursive: true });
  writeFileSync(at('there', 'plan.json'), '{}');
  mkdirSync(at('docs'));
  writeFileSync(at('docs', 'tiny.md'), 'Before.\n<!-- results -->\nold\n<!-- /results -->\n');
  await checkPlaces(at('there'), plan, { docs: at('docs') });
  await checkPlaces(at('new', 'deep'), plan, { docs: at('new', 'docs') });
  expect(existsSync(at('new'))).toBe(false);
  expect([readdirSync(at('there')).sort(), readdirSync(at('docs'))]).toEqual([['plan.json', 'trials'], ['tiny.md']]);
});

describe('refuses', () => {
  const file = at('file');
  writeFileSync(file, '');
  mkdirSync(at('mine'));
  writeFileSync(at('mine', 'photo.png'), '');
  mkdirSync(at('markless'));
  writeFileSync(at('markless', 'tiny.md'), 'mine\n');

  test.each<[string, string, string | undefined, RegExp]>([
    ['a file as the folder', file, undefined, /^out .*file: expected a folder, this is a file/],
    ['a folder in a file', join(file, 'deeper'), undefined, /^out .*deeper: .*file is a file, not a folder/],
    ['a folder of something else', at('mine'), undefined, /^out .*mine: expected a new folder .* holds photo\.png/],
    ['documents in a file', at('new'), join(file, 'docs'), /^docs .*docs.*: .*file is a file, not a folder/],
    ['a file as the documents', at('new'), file, /^docs .*: .*file is a file, not a folder/],
    ['a document without marks', at('new'), at('markless'), /markless.tiny\.md/],
  ])('%s', async (_, out, docs, message) => {
    await expect(checkPlaces(out, plan, docs === undefined ? {} : { docs })).rejects.toThrow(message);
  });

  test.skipIf(process.platform === 'win32').each(['out', 'out/trials', 'docs', 'docs/tiny'])(
    '%s where it may not be written',
    async (place) => {
      const root = at(`locked ${place.replace('/', '-')}`);
      for (const name of ['out/trials', 'docs/tiny']) mkdirSync(join(root, name), { recursive: true });
      for (const name of ['.', 'out', 'out/trials', 'docs', 'docs/tiny']) chmodSync(join(root, name), 0o777);
      writeFileSync(join(root, 'out', 'plan.json'), '{}');
      const locked = join(root, place);
      await withoutRights(folder, locked, async () => {
        await expect(checkPlaces(join(root, 'out'), plan, { docs: join(root, 'docs') })).rejects.toThrow(
          `${locked}: cannot write: permission denied (EACCES)`,
        );
      });
      await checkPlaces(join(root, 'out'), plan, { docs: join(root, 'docs') });
    },
  );
});

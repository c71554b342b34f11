import { Command } from 'commander';
import { expect, test } from 'vitest';
import { fetchModels } from './fetch-models';

/** What a call of a command with models and a file to write ends with: the error, or its options and arguments. */
async function called(...args: string[]): Promise<unknown> {
  let said: unknown;
  const command = new Command('sample').exitOverride().argument('[what]').argument('[to]').option('--from <path>');
  command.option('--out <file>').option('--vae <folder>').option('--json').option('--quiet');
  command.action((...given) => {
    said = given.slice(0, 3);
  });
  fetchModels(command);
  await command.parseAsync(args, { from: 'user' }).catch((error: Error) => (said = error.message));
  return said;
}

test('models of the Hub are fetched where a model is taken', async () => {
  expect(await called('runs/a', 'b', '--from', 'c')).toEqual(['runs/a', 'b', { from: 'c' }]);
  expect(await called('--from', 'hf://dit')).toMatch(/^--from: expected hf:\/\/owner\/name/);
  expect(await called('hf://dit')).toMatch(/^what: expected hf:\/\/owner\/name/);
  expect(await called('--vae', 'hf://a/b')).toEqual([undefined, undefined, { vae: 'hf://a/b' }]);
});

test('an address is refused where none is taken', async () => {
  expect(await called('--out', 'hf://a/b')).toBe('--out: expected a path on this machine, got hf://a/b');
  expect(await called('a', 'hf://a/b')).toBe('to: expected a path on this machine, got hf://a/b');
});

import { Command } from 'commander';
import { expect, test } from 'vitest';
import { unknownOptionsFirst } from './unknown-options-first';

/** What a call of a command with a required `--out` ends with: the error, or the options. */
async function called(...args: string[]): Promise<string> {
  let said = '';
  const program = new Command('learngene').exitOverride().showSuggestionAfterError();
  const command = program.command('train').requiredOption('--out <folder>', 'folder').option('--data <path>', 'images');
  command.configureOutput({ writeErr: (text) => (said += text), writeOut: (text) => (said += text) });
  command.action((options) => {
    said = JSON.stringify(options);
  });
  unknownOptionsFirst(command);
  await program.parseAsync(['train', ...args], { from: 'user' }).catch(() => {});
  return said.trim();
}

test('an unknown option is told of before a required one that is missing, with the nearest', async () => {
  expect(await called('--dta', 'x')).toBe("error: unknown option '--dta'\n(Did you mean --data?)");
  expect(await called('--uot', 'x')).toBe("error: unknown option '--uot'\n(Did you mean --out?)");
});

test('a required option that is missing is told of', async () => {
  expect(await called()).toBe("error: required option '--out <folder>' not specified");
  expect(await called('--data', 'x')).toBe("error: required option '--out <folder>' not specified");
});

test('a call with it runs, and help is given without it', async () => {
  expect(await called('--out', 'x')).toBe('{"out":"x"}');
  expect(await called('--help')).toContain('--out <folder>');
});

import { stripVTControlCharacters } from 'node:util';
import type { Command } from 'commander';
import { afterAll, vi } from 'vitest';
import { errorLine, exitCode } from '../src/cli/errors';

/** Commands that are run in this process, from source; what they print is caught, without colours, until the tests of a file end. */
export function inProcess() {
  const written: string[] = [];
  const silence = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation((text) => written.push(stripVTControlCharacters(String(text))) > 0),
  );
  afterAll(() => {
    for (const spy of silence) spy.mockRestore();
  });
  /** Runs a command; what it printed. */
  const run = async (command: () => Command, ...args: string[]): Promise<string> => {
    written.length = 0;
    await command().exitOverride().parseAsync(args, { from: 'user' });
    return written.join('');
  };
  /** The exit code and the line of a call that fails. */
  const refusal = (command: () => Command, ...args: string[]): Promise<string> =>
    run(command, ...args).then(
      () => 'nothing',
      (error: unknown) => `${exitCode(error)} ${errorLine(error)}`,
    );
  return { run, refusal, printed: () => written.join('') };
}

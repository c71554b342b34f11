import { expect } from 'vitest';

/** What an option must refuse and what it must take. */
export interface OptionValues {
  readonly refused: readonly unknown[];
  readonly taken: readonly unknown[];
}

/** Asserts that `call` throws, or rejects, with a message that begins with the option's name for what it must refuse. */
export async function expectOption(
  name: string,
  call: (value: never) => unknown,
  { refused, taken }: OptionValues,
): Promise<void> {
  const outcome = async (value: unknown) => {
    try {
      await call(value as never);
      return 'taken';
    } catch (error) {
      return (error as Error).message;
    }
  };
  for (const value of refused) {
    const message = await outcome(value);
    expect(message.startsWith(`${name}: expected`), `${value}: ${message}`).toBe(true);
  }
  for (const value of taken) expect(await outcome(value), `${value}`).toBe('taken');
}

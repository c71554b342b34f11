import { expect } from 'vitest';

/** Values that an option must refuse, and values that it must accept. */
export interface OptionValues {
  readonly refused: readonly unknown[];
  readonly taken: readonly unknown[];
}

/**
 * Asserts that `call` throws or rejects for every value that it must refuse, with a message that begins with the name
 * of the option.
 */
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

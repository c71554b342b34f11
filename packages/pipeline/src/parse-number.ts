import { ConfigError } from './errors';

/** A number that a person typed, in decimal or with an exponent; undefined for another text. */
const numberOf = (text: string) => (text.trim() === '' ? Number.NaN : Number(text));

/**
 * Reads whole numbers that people type.
 *
 * @param name - begins the message.
 * @returns what reads a text; it throws a ConfigError for another text and for a number outside of the limits
 */
export function wholeNumber(name: string, minimum = 0, maximum = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = numberOf(text);
    if (!Number.isSafeInteger(value) || value < minimum) {
      throw new ConfigError(`${name}: expected a whole number of at least ${minimum}, got ${text}`, { argument: name });
    }
    if (value > maximum) {
      throw new ConfigError(`${name}: expected at most ${maximum}, got ${text}`, { argument: name });
    }
    return value;
  };
}

/** Reads numbers that people type, as {@link wholeNumber} whole ones. */
export function finiteNumber(name: string, minimum = 0) {
  return (text: string): number => {
    const value = numberOf(text);
    if (Number.isFinite(value) && value >= minimum) return value;
    throw new ConfigError(`${name}: expected a number of at least ${minimum}, got ${text}`, { argument: name });
  };
}

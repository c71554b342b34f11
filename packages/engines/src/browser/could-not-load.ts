import type { MissingEngine } from '../types';

/** What an optional package that a page could not import makes of an engine. */
export function couldNotLoad(name: string, error: unknown): MissingEngine {
  const cause = error instanceof Error ? error.message : String(error);
  return {
    ok: false,
    reason: `${name} could not be loaded (${cause})`,
    remedy: `install it beside this package, and bundle the page again: npm install ${name}`,
  };
}

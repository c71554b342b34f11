import type { MissingEngine } from '../types';

/** The result of loading an engine whose optional package a page could not import. */
export function couldNotLoad(name: string, error: unknown): MissingEngine {
  const cause = error instanceof Error ? error.message : String(error);
  return {
    ok: false,
    reason: `${name} could not be loaded (${cause})`,
    remedy: `install it beside this package, and bundle the page again: npm install ${name}`,
  };
}

import { createHash } from 'node:crypto';

/** Eight digits that stand for everything that something depends on. */
export function fingerprint(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 8);
}

/** A name that is safe in a folder. */
export function slug(...parts: readonly (string | number)[]): string {
  return parts
    .join('-')
    .toLowerCase()
    .replace(/\+/g, '-')
    .replace(/[^a-z0-9.-]+/g, '-');
}

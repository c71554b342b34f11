import type { TailorGroup } from '../tailor-groups';

/** File of the manifest. */
export const MANIFEST_FILE = 'kind.json';
/** File of the learngenes. */
export const LEARNGENES_FILE = 'learngenes.safetensors';
/** File of the dense parts. */
export const SHARED_FILE = 'shared.safetensors';

const TAILOR_FILE = /^tailors\/[a-z0-9_-]{1,80}\.safetensors$/;
/** Names that Windows reserves for devices, whatever the extension. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)$/;

/**
 * Whether a manifest may name this file for a group: one folder down, in lower case, with no dot but that of the
 * extension.
 */
export function isTailorFile(file: string): boolean {
  return TAILOR_FILE.test(file);
}

/** A file name for every group, in order; see {@link tailorFile}. */
export function tailorFiles(groups: readonly Pick<TailorGroup, 'name'>[]): string[] {
  const taken = new Set<string>();
  return groups.map(({ name }) => {
    const file = tailorFile(name, taken);
    taken.add(file);
    return file;
  });
}

/**
 * The file name of a group: its name in lower case with dashes for whatever is not a letter, a digit or an underscore,
 * numbered where the file is taken.
 */
export function tailorFile(name: string, taken: ReadonlySet<string>): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '-')
    .slice(0, 60);
  const trimmed = plain.replace(/^-+|-+$/g, '');
  const stem = trimmed === '' || DEVICE.test(trimmed) ? `group-${trimmed}`.replace(/-$/, '') : trimmed;
  const at = (numbered: string) => `tailors/${numbered}.safetensors`;
  let file = at(stem);
  for (let n = 2; taken.has(file); n++) file = at(`${stem}-${n}`);
  return file;
}

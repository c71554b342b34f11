import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A file of a bundle. */
export interface BundleFile {
  /** Its path in the bundle. */
  file: string;
  /** Its size. */
  bytes: number;
}

/** Lists the files of a bundle with their sizes, in the order of their names. */
export async function bundleFiles(folder: string): Promise<BundleFile[]> {
  const names = (await readdir(folder, { recursive: true })).sort();
  const files = await Promise.all(
    names.map(async (file) => {
      const entry = await stat(join(folder, file));
      return entry.isFile() ? [{ file, bytes: entry.size }] : [];
    }),
  );
  return files.flat();
}

// Files that are too long.
import { isSource } from './sources.mjs';

/** The most lines of a source file, by the ending of its name. */
const MOST = { rust: 400, other: 300 };

/** Files that may be longer, each with the reason. */
const longFiles = {
  'packages/diffusion/src/options.test.ts': 'one table: every option with the values that it refuses and takes',
  'packages/nn/test/plain-kernels.ts': 'one flat list of like functions: every fused kernel, written plainly',
};

/** Finds sources over 300 lines (Rust: 400) that `allowed` does not list, and entries of `allowed` that are not needed. */
export function longSources(workspace, allowed = longFiles) {
  const long = workspace.files.flatMap((path) => {
    const most = path.endsWith('.rs') ? MOST.rust : MOST.other;
    if (!path.endsWith('.rs') && !isSource(path)) return [];
    const lines = workspace.lines(path);
    return lines > most ? [{ path, lines, most }] : [];
  });
  const needed = new Set(long.map(({ path }) => path));
  return [
    ...long
      .filter(({ path }) => !Object.hasOwn(allowed, path))
      .map(({ path, lines, most }) => `${path}: expected at most ${most} lines, got ${lines}`),
    ...Object.keys(allowed)
      .filter((path) => !needed.has(path))
      .map((path) => `${path}: is not too long and need not be listed in lengths.mjs`),
  ];
}

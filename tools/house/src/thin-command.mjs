// What keeps the command thin: it parses, calls and prints.
import { isSource, isTest } from './sources.mjs';

/** The most lines of a file that holds a command, and of the whole command without its tests. */
const MOST = { command: 120, all: 2240 };

/** Finds command files that are too long, a command that is too long as a whole, and imports of tfjs. */
export function thickCommand(workspace, folder = 'apps/cli') {
  const sources = workspace.files.filter(
    (path) => path.startsWith(`${folder}/src/`) && isSource(path) && !isTest(path),
  );
  const long = sources
    .filter((path) => path.startsWith(`${folder}/src/commands/`))
    .map((path) => ({ path, lines: workspace.lines(path) }))
    .filter(({ lines }) => lines > MOST.command)
    .map(({ path, lines }) => `${path}: expected at most ${MOST.command} lines in a file of a command, got ${lines}`);
  const all = sources.reduce((sum, path) => sum + workspace.lines(path), 0);
  const tensors = sources.flatMap((path) =>
    workspace
      .imports(path)
      .filter(({ specifier }) => specifier.startsWith('@tensorflow/'))
      .map(({ specifier, line }) => `${path}:${line} imports '${specifier}': tensors belong to the packages`),
  );
  return [
    ...(all > MOST.all ? [`${folder}/src: expected at most ${MOST.all} lines without tests, got ${all}`] : []),
    ...long,
    ...tensors,
  ];
}

// Folders of one package that import each other in a circle.
import { dirname } from 'node:path/posix';
import { isSource, isTest } from './sources.mjs';

/** The groups of nodes that reach each other (Tarjan 1972), those of one node left out. */
function circles(edges) {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const found = [];
  const visit = (node) => {
    index.set(node, index.size);
    low.set(node, index.get(node));
    stack.push(node);
    for (const next of edges.get(node)?.keys() ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node), low.get(next)));
    }
    if (low.get(node) !== index.get(node)) return;
    const group = stack.splice(stack.indexOf(node));
    if (group.length > 1) found.push(group.sort());
  };
  for (const node of edges.keys()) if (!index.has(node)) visit(node);
  return found;
}

/**
 * Finds the circles. Every folder below a package's `src` is one node, with the files directly in it; `src` itself is one
 * too. An entry, a file directly in `src` that no other source of the package imports, stands apart: it imports from
 * anywhere, and nothing can lead back to it. Tests are left out; imports of types count.
 *
 * @returns a message for every circle, with an import for each of its edges
 */
export function folderCycles(workspace) {
  const sources = workspace.files.filter((path) => isSource(path) && !isTest(path));
  const packages = new Set(sources.map((path) => workspace.packageOf(path)));
  return [...packages].flatMap((folder) => {
    const src = folder === '' ? 'src' : `${folder}/src`;
    const inside = new Set(sources.filter((path) => path.startsWith(`${src}/`)));
    const imports = [...inside].flatMap((from) =>
      workspace
        .imports(from)
        .filter(({ target }) => inside.has(target) && target !== from)
        .map((found) => ({ from, ...found })),
    );
    const imported = new Set(imports.map(({ target }) => target));
    const nodeOf = (path) => (dirname(path) === src && !imported.has(path) ? path : dirname(path));
    const edges = new Map();
    for (const found of imports) {
      const [from, to] = [nodeOf(found.from), nodeOf(found.target)];
      if (from === to) continue;
      if (!edges.has(from)) edges.set(from, new Map());
      if (!edges.get(from).has(to)) edges.get(from).set(to, []);
      edges.get(from).get(to).push(found);
    }
    return circles(edges).map((group) => {
      const lines = group.flatMap((from) =>
        group.flatMap((to) => {
          const found = edges.get(from)?.get(to) ?? [];
          const more = found.length > 1 ? ` (and ${found.length - 1} more)` : '';
          return found.slice(0, 1).map((one) => `    ${one.from}:${one.line} imports ${one.target}${more}`);
        }),
      );
      return [`${group.join(', ')} import each other`, ...lines].join('\n');
    });
  });
}

import { ENTRY_BUDGETS, FUNCTION_BUDGETS, UNSHAKABLE_BUDGET } from './budgets.mjs';
import { browserEntries, makeProject } from './project.mjs';
import { bundledBytes, unshakable } from './sizes.mjs';

const kB = (bytes) => bytes / 1000;

/**
 * Holds every browser entry of the built packages to its budget.
 *
 * @returns a row for each: what, kB, at most
 */
export async function measureSizes() {
  const entries = browserEntries();
  const project = makeProject({});
  const rows = [];
  try {
    for (const { name } of entries) {
      const bytes = await bundledBytes(`export * from '${name}';`, project.folder);
      rows.push({ what: `all of ${name}`, size: kB(bytes), most: ENTRY_BUDGETS[name] });
    }
    for (const { name, from, most } of FUNCTION_BUDGETS) {
      const bytes = await bundledBytes(`export { ${name} } from '${from}';`, project.folder);
      rows.push({ what: `${name} of ${from}`, size: kB(bytes), most });
    }
    for (const { name, source } of entries) {
      rows.push({ what: `nothing of ${name}`, size: kB((await unshakable(source)).length), most: UNSHAKABLE_BUDGET });
    }
  } finally {
    project.remove();
  }
  return rows;
}

/** One line for each row above its budget or without one, and each budget of an entry that is not there. */
export function sizeFaults(rows, budgets = ENTRY_BUDGETS) {
  const known = new Set(rows.map(({ what }) => what));
  const gone = Object.keys(budgets).filter((name) => !known.has(`all of ${name}`));
  return [
    ...rows.flatMap(({ what, size, most }) => {
      if (most === undefined)
        return [`${what}: ${size.toFixed(1)} kB, expected a budget in tools/bundles/src/budgets.mjs`];
      return size > most ? [`${what}: ${size.toFixed(1)} kB, expected at most ${most} kB`] : [];
    }),
    ...gone.map((name) => `${name}: has a budget, but is no entry for browsers`),
  ];
}

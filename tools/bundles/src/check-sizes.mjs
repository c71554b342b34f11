import { ENTRY_BUDGETS, FUNCTION_BUDGETS, UNSHAKABLE_BUDGET } from './budgets.mjs';
import { browserEntries, makeProject } from './project.mjs';
import { bundledBytes, unshakable } from './sizes.mjs';

/**
 * Holds every browser entry of the built packages to its budget.
 *
 * @returns a row for each: what, kB, at most; in the place of kB the error where it cannot be bundled
 */
export async function measureSizes() {
  const entries = browserEntries();
  const project = makeProject({});
  const rows = [];
  const add = async (what, most, measure) => {
    try {
      rows.push({ what, size: (await measure()) / 1000, most });
    } catch (error) {
      rows.push({ what, error: error.message, most });
    }
  };
  try {
    for (const { name } of entries) {
      await add(`all of ${name}`, ENTRY_BUDGETS[name], () => bundledBytes(`export * from '${name}';`, project.folder));
    }
    for (const { name, from, most } of FUNCTION_BUDGETS) {
      const source = `export { ${name} } from '${from}';`;
      await add(`${name} of ${from}`, most, () => bundledBytes(source, project.folder));
    }
    for (const { name, source } of entries) {
      await add(`nothing of ${name}`, UNSHAKABLE_BUDGET, async () => (await unshakable(source)).length);
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
    ...rows.flatMap(({ what, size, error, most }) => {
      if (error !== undefined) return [`${what}: ${error}`];
      if (most === undefined)
        return [`${what}: ${size.toFixed(1)} kB, expected a budget in tools/bundles/src/budgets.mjs`];
      return size > most ? [`${what}: ${size.toFixed(1)} kB, expected at most ${most} kB`] : [];
    }),
    ...gone.map((name) => `${name}: has a budget, but is no entry for browsers`),
  ];
}

/** What the arguments of check.mjs ask for: budgets are held, bundlers run; undefined where they are none. */
export function wantedChecks(args) {
  const known = { '': [true, true], '--sizes': [true, false], '--sizes --print': [false, false] };
  const asked = args.join(' ');
  if (!Object.hasOwn(known, asked)) return undefined;
  const [budgets, bundlers] = known[asked];
  return { budgets, bundlers };
}

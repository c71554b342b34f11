import { z } from 'zod';
import { conditionKey } from './conditions';
import type { Grid } from './grid';

const planSchema = z.object({
  seeds: z.array(z.number()).default([]),
  grids: z.array(
    z.object({
      table: z.string(),
      tasks: z.array(z.string()),
      methods: z.array(z.string()),
      imagesPerClass: z.array(z.number()).default([100]),
      steps: z.array(z.number()).default([300]),
      seeds: z.array(z.number()).optional(),
    }),
  ),
});

/** The cells that a plan asks for, budgets left out (how many sizes there are is the runner's); undefined where the plan has no grids. */
function expectedCells(plan: unknown): string[] | undefined {
  const parsed = planSchema.safeParse(plan);
  if (!parsed.success) return undefined;
  const names = parsed.data.grids
    .filter(({ table }) => table !== 'budget')
    .flatMap(({ table, tasks, methods, imagesPerClass, steps, seeds = parsed.data.seeds }) =>
      tasks.flatMap((task) =>
        methods.flatMap((method) =>
          imagesPerClass.flatMap((images) =>
            steps.flatMap((count) =>
              seeds.map((seed) => cellName(table, method, seed, { task, imagesPerClass: images, steps: count })),
            ),
          ),
        ),
      ),
    );
  return [...new Set(names)];
}

function cellName(
  table: string,
  method: string,
  seed: number,
  condition: { task: string; imagesPerClass: number; steps: number },
): string {
  return `${table} ${method} ${seed} ${conditionKey({ dataset: '', ...condition })}`;
}

/** How many cells of the plan are neither done nor failed; null where the plan does not tell. */
export function openCells({ plan, cells, errors }: Grid): number | null {
  const expected = expectedCells(plan);
  if (expected === undefined) return null;
  const done = new Set(cells.map((cell) => cellName(cell.table, cell.method, cell.seed, cell)));
  const left = expected.filter((name) => !done.has(name)).length;
  return Math.max(0, left - errors.length);
}

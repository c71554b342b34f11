import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CellError, CellResult } from '../plan/result';

/** What a grid folder holds. */
export interface Grid {
  folder: string;
  /** plan.json as it is; undefined where it is missing. */
  plan: unknown;
  /** versions.json as it is; undefined where it is missing. */
  versions: unknown;
  /** spectra.json as it is; undefined where it is missing. */
  spectra: unknown;
  /** Cells that are done, sorted by key. */
  cells: CellResult[];
  /** Cells that failed and have no result. */
  errors: CellError[];
  /** Result files that could not be read, with the reason. */
  unreadable: { file: string; reason: string }[];
}

// JSON has no NaN: what was not finite comes as null.
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const guidance = z.enum(['none', 'null-label', 'class-agnostic']);

const evaluationSchema = z.object({
  step: z.number(),
  guidance,
  scale: number,
  fid: number,
  sfid: number,
  inceptionScore: number,
  precision: number,
  recall: number,
  classAccuracy: number,
  validationLoss: number.optional(),
  samples: number,
});

const resultSchema: z.ZodType<CellResult> = z.object({
  cell: z.string(),
  task: z.string(),
  dataset: z.string(),
  method: z.string(),
  seed: z.number(),
  imagesPerClass: z.number(),
  steps: z.number(),
  table: z.enum(['parameters', 'macs', 'ablation', 'budget']),
  group: z.string().optional(),
  learningRate: number,
  rank: z.number().optional(),
  trainable: number,
  macs: number,
  bytesPerClass: number,
  parameters: number,
  guidance: z.object({ chosen: guidance, scale: number }),
  evaluations: z.array(evaluationSchema).min(1),
  stepMs: number,
  peakRssMiB: number,
  trainSeconds: number,
  losses: z.array(z.object({ step: z.number(), train: number, validation: number.optional() })),
  samples: z.string(),
});

const errorSchema: z.ZodType<CellError> = z.object({
  cell: z.string(),
  task: z.string(),
  method: z.string(),
  seed: z.number(),
  message: z.string(),
});

/** A JSON file beside the cells; undefined where there is none, or none that can be read. */
async function optionalJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Why a file does not hold what was expected, in one line. */
function reasonOf(error: unknown): string {
  if (!(error instanceof z.ZodError)) return error instanceof Error ? error.message : String(error);
  const [first] = error.issues;
  return `${first.path.join('.') || 'the document'}: ${first.message}`;
}

/** Reads a grid folder, finished or not; a file that cannot be read is named and left out. Throws where there is no folder. */
export async function readGrid(folder: string): Promise<Grid> {
  if (!existsSync(folder))
    throw new Error(`folder: expected one that bench transfer wrote, got ${folder}, which is not there`);
  const [plan, versions, spectra] = await Promise.all(
    ['plan.json', 'versions.json', 'spectra.json'].map((file) => optionalJson(join(folder, file))),
  );
  const grid: Grid = { folder, plan, versions, spectra, cells: [], errors: [], unreadable: [] };
  const keys = await readdir(join(folder, 'cells')).catch(() => []);
  for (const key of keys.sort()) {
    const file = join('cells', key, 'result.json');
    if (existsSync(join(folder, file))) {
      try {
        grid.cells.push(resultSchema.parse(JSON.parse(await readFile(join(folder, file), 'utf8'))));
      } catch (error) {
        grid.unreadable.push({ file, reason: reasonOf(error) });
      }
      continue;
    }
    const failed = errorSchema.safeParse(await optionalJson(join(folder, 'cells', key, 'error.json')));
    if (failed.success) grid.errors.push(failed.data);
  }
  return grid;
}

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkItem } from './task';

/**
 * A plan of one cell: KIND on one task, once, with its base, its tuning and its scores; 64 tokens. It is in the words of
 * format 1, which older builds know and newer ones read.
 */
const PLAN = {
  name: 'one-cell',
  seeds: [0],
  datasets: { emoji: { source: 'emoji', size: 32, holdOut: 0.5, perClass: 40 } },
  tasks: {
    emoji: {
      dataset: 'emoji',
      pretraining: ['country-flag', 'animal-mammal', 'sky & weather', 'clothing'],
      tuning: ['time', 'geometric'],
      novel: ['heart', 'alphanum'],
    },
  },
  model: { patchSize: 4, hiddenSize: 128, depth: 4, heads: 4, learngeneRank: 40, tailorRank: 8 },
  pretraining: { steps: 60, batchSize: 32, learningRates: [1e-3], sweepSteps: 20, warmup: 10, checkpointEvery: 60 },
  transfer: { batchSize: 16, warmup: 5 },
  tuning: { learningRates: [1e-3], extend: 0, scales: [1.5], imagesPerClass: 12, steps: 16, samplesPerClass: 16 },
  evaluation: {
    samplesPerClass: 24,
    curve: [0.5],
    curveSamplesPerClass: 16,
    sampler: 'dpm-solver++',
    samplingSteps: 6,
    validationPerClass: 16,
    losses: 2,
  },
  classifier: { steps: 80 },
  budgets: { fractions: [1], smallWidths: [32] },
  grids: [{ table: 'parameters', tasks: ['emoji'], methods: ['kind'], imagesPerClass: [12], steps: [60] }],
};

/** Which build's command runs the cell. */
export interface TransferCellSpec {
  /** Folder of a checkout whose packages are built. */
  checkout: string;
}

/** One cell of the transfer benchmark, from nothing, by the command of a build: what a user waits for. */
async function transferCell({ checkout }: TransferCellSpec): Promise<WorkItem> {
  const folder = mkdtempSync(join(tmpdir(), 'learngene-bench-cell-'));
  const plan = join(folder, 'plan.json');
  writeFileSync(plan, JSON.stringify(PLAN));
  const run = () => {
    const out = join(folder, 'out');
    const command = [join(checkout, 'apps', 'cli', 'bin', 'learngene.mjs'), 'bench', 'transfer', '--quiet'];
    const args = [...command, '--plan', plan, '--out', out, '--engine', 'native'];
    const { status, stderr, error } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${checkout}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
    rmSync(out, { recursive: true });
  };
  return { run, check: async () => [], dispose: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The work item of the transfer benchmark. */
export const transferTasks = { 'transfer-cell': transferCell };

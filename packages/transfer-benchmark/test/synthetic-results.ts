import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGenerator, normal, stream } from '@learngene/random';
import { gridPng } from '@learngene/report/node';
import { GUIDANCE_MODES, type GuidanceMode, type TrialResult } from '../src/plan/result';

/** The fields that tests change in a trial of {@link syntheticTrial}. */
export type CellChange = Partial<TrialResult> & { method: string; seed: number; task: string; fid: number };

/** A trial whose curve falls to `fid` and whose other scores follow from it. */
export function syntheticTrial({ fid, ...change }: CellChange): TrialResult {
  const steps = change.steps ?? 300;
  const chosen: GuidanceMode = change.guidance?.chosen ?? 'class-agnostic';
  const table = change.table ?? 'iso-parameters';
  const at = (step: number, guidance: GuidanceMode, value: number) => ({
    step,
    guidance,
    scale: guidance === 'none' ? 1 : 1.5,
    fid: value,
    sfid: 2 * value,
    inceptionScore: 3 - value / 50,
    precision: 0.9 - value / 200,
    recall: 0.8 - value / 200,
    classAccuracy: 0.95 - value / 100,
    validationLoss: 0.04 + value / 2000,
    samples: 300,
  });
  return {
    trial: [
      table,
      change.method.replace('/', '-'),
      change.task,
      change.imagesPerClass ?? 100,
      steps,
      `s${change.seed}`,
    ].join('-'),
    dataset: 'fashion',
    imagesPerClass: 100,
    steps,
    table,
    learningRate: 0.003,
    rank: 8,
    trainable: 305_000,
    macs: 12_000_000,
    bytesPerClass: 310_000,
    parameters: 1_260_000,
    guidance: { chosen, scale: 1.5 },
    evaluations: [
      at(steps / 3, chosen, fid * 2.2),
      at((2 * steps) / 3, chosen, fid * 1.4),
      ...GUIDANCE_MODES.map((mode) => at(steps, mode, mode === chosen ? fid : fid * 1.3)),
    ],
    stepMs: 42,
    peakRssMiB: 410,
    trainSeconds: 13,
    losses: [1, 2, 3].map((part) => ({
      step: (part * steps) / 3,
      train: 0.05,
      validation: 0.04 + fid / 2000 + 0.01 / part,
    })),
    samples: 'samples.png',
    ...change,
  };
}

const levels: Record<string, number> = {
  kind: 15,
  'low-rank+tailors': 15.2,
  'svd-cut+tailors': 17,
  lora: 22,
  'lora-class': 14.4,
  dora: 21.5,
  'dora-class': 14.6,
  pissa: 38,
  svdiff: 45,
  full: 31,
  fine: 52,
  scratch: 115,
};

/** Trials of twelve methods on some tasks and seeds, with seeded noise. */
export function syntheticTrials(
  tasks: readonly string[],
  seeds: readonly number[],
  change: Partial<TrialResult> = {},
): TrialResult[] {
  return tasks.flatMap((task, i) =>
    Object.entries(levels).flatMap(([method, level]) =>
      seeds.map((seed) => {
        const [shared] = normal(stream(createGenerator(seed), task), 1);
        const [own] = normal(stream(createGenerator(seed), `${task} ${method}`), 1);
        return syntheticTrial({ ...change, task, method, seed, fid: level * (1 + 0.3 * i) + shared + 0.5 * own });
      }),
    ),
  );
}

/** A sample grid of noise. */
function noisePng(seed: number): Promise<Buffer> {
  const [count, size] = [24, 20];
  const noise = normal(createGenerator(seed), count * size * size);
  const data = Uint8Array.from(noise, (value) => Math.max(0, Math.min(255, 128 + 60 * value)));
  return gridPng({ data, count, height: size, width: size, channels: 1 }, 8);
}

/** Writes trials as a benchmark's folder under the system's temporary one. */
export async function writeSyntheticResults(
  trials: readonly TrialResult[],
  files: Record<string, string> = {},
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'learngene-transfer-'));
  const images = new Map<number, Buffer>();
  for (const trial of trials) {
    const at = join(folder, 'trials', trial.trial);
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, 'result.json'), JSON.stringify(trial));
    const png = images.get(trial.seed) ?? (await noisePng(trial.seed));
    images.set(trial.seed, png);
    writeFileSync(join(at, trial.samples), png);
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** Trials of the other tables: equal MACs, an ablation, budgets. */
export function syntheticExtras(task: string, seeds: readonly number[]): TrialResult[] {
  return seeds.flatMap((seed) => [
    syntheticTrial({ table: 'iso-macs', method: 'lora', task, seed, fid: 24 + seed }),
    syntheticTrial({ table: 'ablation', group: 'gate', method: 'kind/soft-gate', task, seed, fid: 19 + 0.1 * seed }),
    ...[2, 4, 8, 16].flatMap((rank) =>
      ['bundle-cut', 'small'].map((method, i) => ({
        ...syntheticTrial({ table: 'budget', rank, method, task: 'base', seed, fid: 120 / rank + 5 * i + seed }),
        trial: `budget-${method}-${rank}-${seed}`,
        macs: rank * 1e6,
        parameters: rank * 1e5,
      })),
    ),
  ]);
}

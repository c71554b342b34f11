import { join } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import {
  disposeKindTraining,
  inFixedOrder,
  type KindModel,
  type KindTrainState,
  type Trainable,
} from '@learngene/kind';
import type { Config, Progress } from '@learngene/pipeline';
import { createDiffusionProcess, NonFinitePixelsError, sampleClasses } from '@learngene/pipeline';
import type { RunRecord } from '@learngene/pipeline/node';
import { interruptedBy } from '../errors';
import { writeRunReport } from '../run-folder/report';
import { writeGrid } from '../run-folder/write-grid';
import { trainRun } from './train';

/** Rows and columns of the grids that are drawn while training. */
const gridClasses = 8;
const gridColumns = 8;

/** Class ids of a grid: a row for each of the first classes. */
export function gridLabels(classes: number, columns: number, rows = gridClasses): Int32Array {
  return Int32Array.from({ length: Math.min(classes, rows) * columns }, (_, i) => Math.floor(i / columns));
}

async function writeSampleGrid(
  run: string,
  step: number,
  model: KindModel,
  { config, output, signal }: { config: Config; output: Progress; signal: AbortSignal },
) {
  try {
    const pictures = await sampleClasses(model, createDiffusionProcess(config), {
      labels: gridLabels(model.config.dit.classes, gridColumns),
      sampling: config.sampling,
      seed: config.seed,
      progress: output,
      title: 'Drawing samples',
      signal,
    });
    await writeGrid(join(run, 'samples', `step-${step}.png`), pictures, gridColumns);
  } catch (error) {
    if (!(error instanceof NonFinitePixelsError)) throw error;
    output.warn(`No samples of step ${step}: ${error.message}`); // A grid on the way is no reason to lose a run.
  }
}

/** What {@link runTraining} trains. */
export interface RunTrainingOptions {
  run: string;
  record: RunRecord;
  trainable: Trainable;
  data: ImageDataset;
  start(): KindTrainState;
  output: Progress;
  /** An abort saves a checkpoint and ends the run. */
  signal: AbortSignal;
}

/** Trains a run folder to its end, with sample grids on the way and a report; returns the averaged weights' state. */
export async function runTraining(options: RunTrainingOptions): Promise<KindTrainState> {
  const { run, record, trainable, data, start, output, signal } = options;
  const { config, model } = record;
  const state = await trainRun(
    {
      run,
      config,
      model,
      trainable,
      data,
      start: () => inFixedOrder(start()),
      onSample: (step, ema) => writeSampleGrid(run, step, ema, { config, output, signal }),
    },
    output,
    signal,
  );
  try {
    if (config.training.sampleEvery > 0) {
      await writeSampleGrid(run, state.step, { config: model, params: state.ema }, { config, output, signal });
    }
    const report = await writeRunReport(run, record, { config: model, params: state.ema });
    output.info(`Wrote ${report}`);
    return state;
  } catch (error) {
    disposeKindTraining(state);
    if (signal.aborted) {
      throw interruptedBy(signal, 'interrupted after the last step; --resume draws the samples and writes the report');
    }
    throw error;
  }
}

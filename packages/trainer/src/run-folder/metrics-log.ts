import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** One line of `metrics.jsonl`. */
export interface MetricsLine {
  /** Optimiser step, counted from 1. */
  step: number;
  /** Mean training loss since the line before. */
  loss: number;
  /** Global norm of the gradient before clipping. */
  gradientNorm: number;
  /** Learning rate of the step. */
  learningRate: number;
  /** Optimiser steps a second since the line before. */
  stepsPerSecond: number;
  /** Images a second since the line before. Lines of older versions lack it. */
  imagesPerSecond?: number;
  /** When the line was written, in seconds since 1970. Lines of older versions lack it. */
  time?: number;
  /** Resident memory of the process, in MiB. */
  rssMiB: number;
  /** Tensors alive in the engine. */
  tensors: number;
  /** Mean loss on held-out data with the averaged weights, where it was measured. */
  validationLoss?: number;
  /** The training loss of each quarter of the timesteps, that of the least noise first; null where no sample was in it. */
  lossByQuarter?: readonly (number | null)[];
  /** The training loss of each class of which there was a sample whose label was not dropped; of at most 100 classes. */
  lossByClass?: Readonly<Record<string, number>>;
  /** The validation loss of each quarter of the timesteps. */
  validationLossByQuarter?: readonly (number | null)[];
  /** The validation loss of each class that has held-out images. */
  validationLossByClass?: Readonly<Record<string, number>>;
  /** Fréchet distance of samples to held-out images, where it was measured. */
  fid?: number;
  /** The same of noise in the place of the samples. */
  noiseFid?: number;
  /** The same of the training images. */
  trainFid?: number;
}

/** The append-only log of a run. */
export interface MetricsLog {
  /** Appends a line. */
  append(line: MetricsLine): void;
  /** Bytes written so far; a checkpoint records them, and a resumed run cuts the log back to them. */
  bytes(): number;
  /** Writes the file through to the disk. */
  flush(): void;
  /** Closes the file. */
  close(): void;
}

/** The name of the log in a run folder. */
export const METRICS_FILE = 'metrics.jsonl';

/** Opens the log of a run, cut back to `bytes`. */
export function openMetricsLog(run: string, bytes: number): MetricsLog {
  const path = join(run, METRICS_FILE);
  const file = openSync(path, existsSync(path) ? 'r+' : 'w+');
  let position = Math.min(bytes, statSync(path).size);
  ftruncateSync(file, position);
  return {
    append(line) {
      const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
      try {
        for (let done = 0; done < bytes.length; ) {
          done += writeSync(file, bytes, done, bytes.length - done, position + done);
        }
      } catch (cause) {
        throw new Error(`${path}: cannot write`, { cause });
      }
      position += bytes.length;
    },
    bytes: () => position,
    flush: () => fsyncSync(file),
    close: () => closeSync(file),
  };
}

/** Reads the log of a run; a last line cut off by a crash is left out. */
export function readMetricsLog(run: string): MetricsLine[] {
  const path = join(run, METRICS_FILE);
  if (!existsSync(path)) return [];
  const lines: MetricsLine[] = [];
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    if (text === '') continue;
    try {
      lines.push(JSON.parse(text) as MetricsLine);
    } catch {
      break;
    }
  }
  return lines;
}

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ParamTree } from '@learngene/nn';
import { noProgress } from '@learngene/pipeline';
import { checkpointPath, checkpointSteps } from '@learngene/pipeline/node';
import { createGenerator, type GeneratorState, normal, restoreGenerator, saveGenerator } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import type { BatchMaker } from '../contracts/batch-maker';
import type { Learner } from '../contracts/learner';
import { InterruptedError } from '../errors';
import { disposeTree, freshTree, stepTree, treeFromState, treeToState } from '../learners/adamw-tree';
import { readMetricsLog } from '../run-folder/metrics-log';
import { trainingSchedule } from '../train/schedule';
import { type TrainRunOptions, trainRun } from './train-run';

beforeAll(useTestBackend);
const folder = temporaryFolder('any');

const [D, H] = [6, 2];

/** A linear autoencoder: x Wᵀ V to D numbers again. It knows nothing of images, classes or diffusion. */
function autoencoder(): Learner<tf.Tensor2D> {
  const g = createGenerator(1);
  const matrix = () => tf.tensor2d(normal(g, H * D, { std: 0.3 }), [H, D]);
  let state = freshTree({ decoder: matrix(), encoder: matrix() });
  const errors = (x: tf.Tensor2D, { encoder, decoder }: ParamTree) => {
    const code = tf.matMul(x, encoder as tf.Tensor2D, false, true); // [N, H]
    return tf.mean(tf.squaredDifference(tf.matMul(code, decoder as tf.Tensor2D), x), 1); // [N]
  };
  return {
    counts: { trainable: 2 * H * D, parameters: 2 * H * D },
    async step(x, options) {
      const result = stepTree(state, (params) => tf.mean(errors(x, params)) as tf.Scalar, options);
      state = result.state;
      const [[loss], [gradientNorm]] = await Promise.all([result.loss.data(), result.gradientNorm.data()]);
      tf.dispose([result.loss, result.gradientNorm]);
      return { loss, gradientNorm };
    },
    async evaluate(x) {
      const losses = tf.tidy(() => errors(x, state.ema));
      const values = Float32Array.from(await losses.data());
      losses.dispose();
      return values;
    },
    state: () => treeToState(state),
    restore(saved) {
      const restored = treeFromState(saved, state);
      disposeTree(state);
      state = restored;
    },
    dispose: () => disposeTree(state),
  };
}

/** Points near a plane, from a generator whose state is kept. */
function points(saved?: unknown): BatchMaker<tf.Tensor2D> {
  const g = saved ? restoreGenerator(saved as GeneratorState) : createGenerator(7);
  return {
    batchSize: 16,
    async next() {
      const rows = Array.from({ length: 16 }, () => {
        const [a, b] = normal(g, 2);
        return [a, b, a + b, a - b, 2 * a, -b].map((value) => value / 2);
      });
      return tf.tensor2d(rows, [16, D]);
    },
    release: (x) => x.dispose(),
    state: () => saveGenerator(g),
    close() {},
  };
}

async function run(name: string, more: Partial<TrainRunOptions<tf.Tensor2D>> = {}): Promise<string> {
  const path = join(folder, name);
  mkdirSync(join(path, 'checkpoints'), { recursive: true });
  const learner = autoencoder();
  try {
    await trainRun({
      run: path,
      learner,
      batches: points,
      schedule: trainingSchedule({ steps: 60, learningRate: 0.02, warmup: 5, decay: 'cosine', clipNorm: 0.5 }),
      intervals: { logEvery: 7, checkpointEvery: 20, keepCheckpoints: 2, sampleEvery: 0 },
      progress: noProgress,
      signal: new AbortController().signal,
      ...more,
    });
  } finally {
    learner.dispose();
  }
  return path;
}

/** sha256 of the trees of the last checkpoint, and its state without the bytes of the log, which holds times. */
function outcome(path: string) {
  const last = checkpointPath(path, 60);
  const { files, state } = JSON.parse(readFileSync(join(last, 'state.json'), 'utf8'));
  const hashes = Object.keys(files).map((name) =>
    createHash('sha256')
      .update(readFileSync(join(last, `${name}.safetensors`)))
      .digest('hex'),
  );
  const log = readMetricsLog(path).map(({ step, loss, gradientNorm, learningRate }) => [
    step,
    loss,
    gradientNorm,
    learningRate,
  ]);
  return { hashes, state: { ...state, metricsBytes: undefined }, log };
}

test('a learner that is no diffusion model trains in a run folder, and resumes to the same bits', async () => {
  const before = tf.memory().numTensors;
  const unbroken = outcome(await run('unbroken'));
  expect(unbroken.log.at(-1)?.[1]).toBeLessThan(0.2 * (unbroken.log[0][1] as number));
  expect(await checkpointSteps(join(folder, 'unbroken'))).toEqual([40, 60]);

  const controller = new AbortController();
  const stopped = run('stopped', {
    signal: controller.signal,
    onStep: ({ step }) => (step === 33 ? controller.abort(new InterruptedError('stop')) : undefined),
  });
  await expect(stopped).rejects.toThrow('interrupted after step 33; a checkpoint was written');
  expect(await checkpointSteps(join(folder, 'stopped'))).toEqual([20, 33]);
  expect(outcome(await run('stopped'))).toEqual(unbroken);
  expect(tf.memory().numTensors).toBe(before);
});

test('its loss on held-out points is in the log, and the training is the same', async () => {
  const plain = outcome(join(folder, 'unbroken'));
  function* heldOut() {
    const x = tf.tensor2d(
      [[1, 0, 1, 1, 2, 0]].map((row) => row.map((value) => value / 2)),
      [1, D],
    );
    try {
      yield x;
    } finally {
      x.dispose();
    }
  }
  const path = await run('validated', { validation: { every: 30, batches: heldOut } });
  expect(outcome(path).hashes).toEqual(plain.hashes);
  const lines = readMetricsLog(path).filter(({ validationLoss }) => validationLoss !== undefined);
  expect(lines.map(({ step }) => step)).toEqual([30, 60]);
  expect(lines[1].validationLoss).toBeLessThan(lines[0].validationLoss as number);
});

import { constantSchedule, singleProcess } from '@learngene/nn';
import { describe, expect, test } from 'vitest';
import type { BatchMaker } from '../contracts/batch-maker';
import type { Learner, StepOptions } from '../contracts/learner';
import { InterruptedError, NonFiniteLossError } from '../errors';
import { meanLoss } from './evaluate';
import { nextTurn } from './next-turn';
import { trainingSchedule } from './schedule';
import { type StepEvent, type TrainOptions, train } from './train';

/** A learner of one number w with loss (w - batch)², and batches 0, 1, 2, ... */
function tiny(start = 0) {
  let w = start;
  let step = 0;
  const seen: { batch: number; options: StepOptions }[] = [];
  const released: number[] = [];
  const observed: number[] = [];
  const learner: Learner<number> = {
    counts: { trainable: 1, parameters: 1 },
    async step(batch, options) {
      seen.push({ batch, options });
      const error = w - batch;
      w -= options.learningRate * 2 * error;
      step++;
      return { loss: error ** 2, gradientNorm: Math.abs(2 * error) };
    },
    evaluate: async (batch) => Float32Array.of((w - batch) ** 2, 1),
    state: () => ({ step, trees: {} }),
    restore() {},
    dispose() {},
  };
  const data: BatchMaker<number> = {
    batchSize: 1,
    next: async (step) => step,
    release: (batch) => void released.push(batch),
    observe: (batch) => void observed.push(batch),
    state: () => ({}),
    close() {},
  };
  return { learner, data, seen, released, observed, weight: () => w };
}

const schedule = (steps: number) => trainingSchedule({ steps, learningRate: 0.25, emaDecay: 0.9, clipNorm: 2 });

describe('train', () => {
  test('steps through the batches at the rates of the schedule, and tells of every step', async () => {
    const { learner, data, seen, released, observed, weight } = tiny(4);
    const events: StepEvent[] = [];
    await train(learner, { data, schedule: schedule(3), onStep: (event) => void events.push(event) });
    expect(seen.map(({ batch }) => batch)).toEqual([0, 1, 2]);
    expect(seen.map(({ options }) => options)).toEqual(
      [1 / 10, 2 / 11, 3 / 12].map((emaDecay) => ({ learningRate: 0.25, emaDecay, clipNorm: 2 })),
    );
    expect([released, observed]).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
    expect(weight()).toBe(1.75); // 4 -> 2 -> 1.5 -> 1.75
    expect(
      events.map(({ step, loss, gradientNorm, learningRate }) => [step, loss, gradientNorm, learningRate]),
    ).toEqual([
      [1, 16, 8, 0.25],
      [2, 1, 2, 0.25],
      [3, 0.25, 1, 0.25],
    ]);
    expect(events.every(({ milliseconds }) => milliseconds >= 0)).toBe(true);
    expect(events.some((event) => 'validationLoss' in event)).toBe(false);
  });

  test('goes on from a step', async () => {
    const { learner, data, seen } = tiny();
    await train(learner, { data, schedule: schedule(5), from: 3 });
    expect(seen.map(({ batch }) => batch)).toEqual([3, 4]);
    await train(learner, { data, schedule: schedule(5), from: 5 });
    expect(seen).toHaveLength(2);
  });

  test('measures held-out data every so many steps and after the last', async () => {
    const { learner, data, weight } = tiny(4);
    const losses: (number | undefined)[] = [];
    const expected: number[] = [];
    await train(learner, {
      data,
      schedule: schedule(5),
      validation: { every: 2, batches: () => [10, 20] },
      onStep({ validationLoss }) {
        losses.push(validationLoss);
        expected.push(((weight() - 10) ** 2 + (weight() - 20) ** 2 + 2) / 4);
      },
    });
    expect(losses).toEqual([undefined, expected[1], undefined, expected[3], expected[4]]);
  });

  test('an abort ends the training after the step and its onStep; one after the last step does not', async () => {
    for (const [at, steps] of [
      [2, 5],
      [5, 5],
    ]) {
      const { learner, data, seen, released } = tiny();
      const controller = new AbortController();
      const reason = new InterruptedError('stop');
      const heard: number[] = [];
      const training = train(learner, {
        data,
        schedule: schedule(steps),
        signal: controller.signal,
        async onStep({ step }) {
          if (step === at) controller.abort(reason);
          await nextTurn();
          heard.push(step);
        },
      });
      if (at < steps) await expect(training).rejects.toBe(reason);
      else await training;
      expect(seen).toHaveLength(at);
      expect(released).toHaveLength(at);
      expect(heard.at(-1)).toBe(at);
      if (at < steps)
        await expect(train(learner, { data, schedule: schedule(9), signal: controller.signal })).rejects.toBe(reason);
      expect(seen).toHaveLength(at);
    }
  });

  test('a loss that is no number ends it, and nothing is observed of that step', async () => {
    const { learner, data, observed, released } = tiny(Number.NaN);
    const error = await train(learner, { data, schedule: schedule(3) }).catch((error) => error);
    expect(error).toBeInstanceOf(NonFiniteLossError);
    expect(error.message).toBe('training: the loss is NaN (gradient norm NaN) at step 1');
    expect([observed, released]).toEqual([[], [0]]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'a validation loss of %d ends it, before anyone is told of that step',
    async (value) => {
      const { learner, data, released } = tiny();
      const steps: number[] = [];
      const validation = { every: 2, batches: () => [value] };
      const onStep = ({ step }: StepEvent) => void steps.push(step);
      const training = train(learner, { data, schedule: schedule(5), validation, onStep });
      const error = await training.catch((error) => error);
      expect(error).toBeInstanceOf(NonFiniteLossError);
      expect(error.message).toBe(`training: the validation loss is ${value} at step 2`);
      expect(error).toMatchObject({ step: 2, validationLoss: value });
      expect([steps, released]).toEqual([[1], [0, 1]]);
      // A run adds what can be done.
      expect(new NonFiniteLossError(error, '; try again').message).toBe(`${error.message}; try again`);
    },
  );

  test('a batch is freed where its step fails', async () => {
    const { learner, data, released } = tiny();
    const failing = { ...learner, step: () => Promise.reject(new Error('device lost')) };
    await expect(train(failing, { data, schedule: schedule(3) })).rejects.toThrow('device lost');
    expect(released).toEqual([0]);
  });

  test.each<[string, Partial<TrainOptions<number>>, string]>([
    [
      'several processes',
      { communicator: { ...singleProcess, size: 4 } },
      'communicator: expected one process, got 4; training on several is not there yet',
    ],
    ['no steps', { schedule: { ...schedule(1), steps: 0 } }, 'schedule.steps: expected a whole number of at least 1'],
    ['half a step', { from: 0.5 }, 'from: expected a whole number of at least 0, got 0.5'],
    ['validation every 0 steps', { validation: { every: 0, batches: () => [] } }, 'validation.every: expected a whole'],
    [
      'an unknown option',
      { steps: 3 } as object,
      "train: expected only data, schedule, from, validation, onStep, signal, communicator, got 'steps'",
    ],
  ])('%s is refused, and nothing is trained', async (_, options, message) => {
    const { learner, data, seen } = tiny();
    await expect(train(learner, { data, schedule: schedule(2), ...options })).rejects.toThrow(message);
    expect(seen).toEqual([]);
  });

  test('takes the communicator of one process', async () => {
    const { learner, data, seen } = tiny();
    await train(learner, { data, schedule: schedule(2), communicator: singleProcess });
    expect(seen).toHaveLength(2);
  });
});

test('the mean loss is over samples, of batches that come at once or one by one', async () => {
  const { learner } = tiny(1);
  async function* later() {
    yield 3;
    yield 1;
  }
  expect(await meanLoss(learner, [3, 1])).toBe((4 + 1 + 0 + 1) / 4);
  expect(await meanLoss(learner, later())).toBe((4 + 1 + 0 + 1) / 4);
  await expect(meanLoss(learner, [])).rejects.toThrow('batches: expected a sample, got none');
});

test('a schedule warms up, then stays or falls to zero', () => {
  const rates = (schedule: { learningRate: (step: number) => number }) =>
    [0, 1, 2, 5, 8].map((step) => Number(schedule.learningRate(step).toFixed(6)));
  expect(rates(trainingSchedule({ steps: 8, learningRate: 1, warmup: 2 }))).toEqual([0.5, 1, 1, 1, 1]);
  expect(rates(trainingSchedule({ steps: 8, learningRate: 1, warmup: 2, decay: 'cosine' }))).toEqual([
    0.5, 1, 1, 0.5, 0,
  ]);
  expect(rates(trainingSchedule({ steps: 8, learningRate: 1 }))).toEqual(rates({ learningRate: constantSchedule(1) }));
});

test('a turn lets timers and messages run, with and without setImmediate', async () => {
  const { setImmediate: own } = globalThis;
  for (const immediate of [own, undefined]) {
    globalThis.setImmediate = immediate as typeof own;
    try {
      let heard = false;
      setTimeout(() => {
        heard = true;
      }, 0);
      for (let turns = 0; turns < 1e6 && !heard; turns++) await nextTurn();
      expect(heard).toBe(true);
    } finally {
      globalThis.setImmediate = own;
    }
  }
});

// The types of learners and batches. The type checker compares them (`npm run check`); nothing of it is run.
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { expectTypeOf, test } from 'vitest';
import {
  type BatchMaker,
  type BatchSequence,
  type DiffusionBatch,
  type DiffusionCounts,
  type DiffusionLearner,
  type DitLearner,
  diffusionBatches,
  ditLearner,
  type KindLearner,
  kindLearner,
  type Learner,
  type LearnerCounts,
  meanLoss,
  type StepOptions,
  type StepResult,
  type TrainOptions,
  train,
  trainingSchedule,
} from './index';
import { type TrainRunOptions, trainRun } from './node';

/** Compiles what is given and does not run it. */
const typed = (name: string, _: () => void) => test(name, () => {});

const points = {} as Learner<Tensor2D>;
const rows = {} as BatchMaker<Tensor2D>;
const images = {} as BatchMaker<DiffusionBatch>;
const schedule = {} as ReturnType<typeof trainingSchedule>;

typed('the batch of a learner is its own, and a step says what it measured', () => {
  expectTypeOf(points.step).parameters.toEqualTypeOf<[Tensor2D, StepOptions]>();
  expectTypeOf(points.step).returns.resolves.toEqualTypeOf<StepResult>();
  expectTypeOf(points.evaluate).parameters.toEqualTypeOf<[Tensor2D]>();
  expectTypeOf(points.evaluate).returns.resolves.toEqualTypeOf<Float32Array>();
  expectTypeOf(points.counts).toEqualTypeOf<LearnerCounts>();
});

typed('a diffusion learner is a learner of diffusion batches, and not of others', () => {
  expectTypeOf<DiffusionLearner>().toExtend<Learner<DiffusionBatch>>();
  expectTypeOf<DiffusionLearner>().not.toExtend<Learner<Tensor2D>>();
  expectTypeOf<Learner<DiffusionBatch>>().not.toExtend<DiffusionLearner>();
  expectTypeOf<KindLearner>().toExtend<DiffusionLearner>();
  expectTypeOf<DitLearner>().toExtend<DiffusionLearner>();
  expectTypeOf(kindLearner).returns.toEqualTypeOf<KindLearner>();
  expectTypeOf(ditLearner).returns.toEqualTypeOf<DitLearner>();
  expectTypeOf<DiffusionLearner['counts']>().toEqualTypeOf<DiffusionCounts>();
  expectTypeOf<DiffusionLearner['predict']>().returns.toEqualTypeOf<Tensor4D>();
  expectTypeOf(diffusionBatches).returns.toEqualTypeOf<BatchMaker<DiffusionBatch>>();
});

typed('the loop takes the batches of its learner, for training and for held-out data', () => {
  expectTypeOf(train<Tensor2D>).parameters.toEqualTypeOf<[Learner<Tensor2D>, TrainOptions<Tensor2D>]>();
  expectTypeOf(meanLoss<Tensor2D>)
    .parameter(1)
    .toEqualTypeOf<BatchSequence<Tensor2D>>();
  train(points, { data: rows, schedule });
  // @ts-expect-error batches of images for a learner of rows
  train(points, { data: images, schedule });
  const heldOut = () => ({}) as BatchSequence<DiffusionBatch>;
  // @ts-expect-error held-out batches of images for a learner of rows
  train(points, { data: rows, schedule, validation: { every: 1, batches: heldOut } });
  // @ts-expect-error a schedule is needed
  train(points, { data: rows });
});

typed('a run folder holds a run of any learner', () => {
  expectTypeOf(trainRun<Tensor2D>)
    .parameter(0)
    .toEqualTypeOf<TrainRunOptions<Tensor2D>>();
  expectTypeOf<TrainRunOptions<Tensor2D>['learner']>().toEqualTypeOf<Learner<Tensor2D>>();
  expectTypeOf<TrainRunOptions<DiffusionBatch>['batches']>()
    .returns.extract<BatchMaker<DiffusionBatch>>()
    .toEqualTypeOf<BatchMaker<DiffusionBatch>>();
});

typed('what is no learner is refused', () => {
  // @ts-expect-error a learner can be restored and disposed
  expectTypeOf<Pick<Learner<Tensor2D>, 'step' | 'evaluate'>>().toExtend<Learner<Tensor2D>>();
  expectTypeOf(trainingSchedule).returns.toEqualTypeOf<typeof schedule>();
});

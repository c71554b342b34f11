import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lowRankFromDenseAsync } from '@learngene/adapters';
import type { DitParams } from '@learngene/dit';
import {
  assembleFactoredAsync,
  countAssembled,
  countKind,
  countKindMacs,
  initKindTraining,
  kindConfig,
  paramsFromTree,
} from '@learngene/kind';
import { countParams, disposeParams } from '@learngene/nn';
import { takePerClass } from '@learngene/report';
import { type DiffusionLearner, ditLearner, freshTree, kindLearner } from '@learngene/trainer';
import { writeGrid } from '@learngene/trainer/node';
import { baseLearner, loadBase } from '../bases/base-state';
import type { JobContext } from '../data/context';
import { openDataset, splitOf } from '../data/data';
import { writeJson } from '../data/json-file';
import { inLatents, openSampleDecoder } from '../data/latents';
import type { BudgetJob } from '../jobs/job';
import { baseDit, baseKindConfig, type InputShape, inputShape } from '../plan/base-spec';
import type { Evaluation, TrialResult } from '../plan/result';
import { openEvaluator } from '../score/evaluator';
import { drawSamples, sampleLabels, sampleShape } from '../score/sampling';
import { heldOutSet, validationLoss } from '../score/validation';
import { diffusion } from '../training/process';

interface Sized {
  learner: DiffusionLearner;
  parameters: number;
  macs: number;
  rank?: number;
}

/** The model within a budget: its size is a fraction of the bundle's parameters or MACs, a fraction of the ranks, or a width. */
async function modelWithin(out: string, { base, budget }: BudgetJob, input: InputShape): Promise<Sized> {
  const { spec, model } = base;
  const tree = await loadBase(out, base);
  if (spec.form === 'kind') {
    const config = baseKindConfig(model, spec, input);
    const full = { config, params: paramsFromTree(tree, config) };
    const { params } = countKind(config);
    const between = (least: number, whole: number) => Math.floor(least + budget.size * (whole - least));
    const limit =
      budget.method === 'bundle-cut-macs'
        ? { macs: between(countKindMacs(config, 1).total, countKindMacs(config).total) }
        : { parameters: between(params.shared + params.learngenes / config.learngeneRank, params.total) };
    const cut = await assembleFactoredAsync(full, { budget: limit });
    disposeParams(tree);
    const counts = countAssembled(cut);
    const state = initKindTraining(cut.params, { trainable: 'all' });
    const learner = kindLearner(state, { config: cut.config, process: diffusion, trainable: 'all' });
    return { learner, parameters: counts.parameters, macs: counts.macs };
  }
  if (budget.method === 'small') {
    const learner = baseLearner(base, { tree, input });
    return { learner, parameters: learner.counts.parameters, macs: learner.counts.macs };
  }
  const dit = baseDit(model, spec, input);
  const rank = Math.max(1, Math.round(budget.size * (model.learngeneRank + model.tailorRank)));
  const cut = await lowRankFromDenseAsync(tree as DitParams, dit, { rank });
  disposeParams(tree);
  const macs = countKindMacs(kindConfig({ dit, learngeneRank: rank, tailorRank: 1 }), rank).total;
  const parameters = countParams(cut);
  return {
    learner: ditLearner(freshTree(cut), { config: dit, form: 'low-rank', process: diffusion }),
    parameters,
    macs,
    rank,
  };
}

/** Draws and scores the pre-training classes by a model within a budget; nothing is trained. */
export async function runBudget(context: JobContext, job: BudgetJob): Promise<void> {
  const { out, progress, signal } = context;
  const { key, base, budget, evaluation } = job;
  const { dataset, classes } = base;
  const folder = join(out, 'trials', key);
  const all = await openDataset(out, dataset, progress);
  const { train, heldOut } = splitOf(all, classes, dataset.source.holdOut);
  const evaluator = await openEvaluator({ out }, { input: job.evaluator, all, reference: heldOut, train });
  const { learner, parameters, macs, rank } = await modelWithin(out, job, inputShape(train));
  const decoder = await openSampleDecoder(dataset.latents);
  try {
    const loss = await validationLoss(learner, await heldOutSet(heldOut, evaluation.validationPerClass));
    const labels = sampleLabels(classes.length, evaluation.samplesPerClass);
    // KIND's null label is its learngenes, as it was trained; a dense model has its null label.
    const branch = budget.method.startsWith('bundle-cut') ? ('class-agnostic' as const) : ('null-label' as const);
    const evaluations: Evaluation[] = [];
    for (const mode of ['none', branch] as const) {
      const guidance = { mode, scale: mode === 'none' ? 1 : job.guidanceScale };
      const samples = await drawSamples(learner, {
        labels,
        guidance,
        shape: sampleShape(train),
        evaluation,
        seed: budget.seed,
        decode: decoder.decode,
        signal,
      });
      const scores = await evaluator.score(samples, labels);
      evaluations.push({ step: 0, guidance: mode, scale: guidance.scale, ...scores, validationLoss: loss });
      await mkdir(folder, { recursive: true });
      await writeGrid(join(folder, 'samples.png'), takePerClass(samples, evaluation.samplesPerClass, 8), 8);
    }
    const result: TrialResult = {
      trial: key,
      task: budget.task,
      dataset: dataset.name,
      ...inLatents(dataset),
      method: budget.method,
      seed: budget.seed,
      imagesPerClass: 0,
      steps: 0,
      table: 'budget',
      group: String(budget.size),
      ...(rank !== undefined && { rank }),
      trainable: 0,
      macs,
      bytesPerClass: 4 * parameters,
      parameters,
      guidance: { chosen: branch, scale: job.guidanceScale },
      evaluations,
      peakRssMiB: process.memoryUsage.rss() / 2 ** 20,
      losses: [],
      samples: 'samples.png',
    };
    await writeJson(join(folder, 'result.json'), result);
  } finally {
    learner.dispose();
    decoder.dispose();
    evaluator.dispose();
  }
}

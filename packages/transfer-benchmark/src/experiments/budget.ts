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
import { baseData } from '../bases/base-training';
import type { JobContext } from '../data/context';
import { openPlanDataset } from '../data/data';
import { writeJson } from '../data/json-file';
import { baseDit, baseKindConfig } from '../plan/bases';
import { type BudgetJob, budgetBase, budgetKey } from '../plan/jobs';
import type { CellResult, Evaluation } from '../plan/result';
import { drawSamples, sampleLabels } from '../score/sampling';
import { openReferee } from '../score/scoring';
import { heldOutSet, validationLoss } from '../score/validation';
import { diffusion } from '../training/process';

interface Sized {
  learner: DiffusionLearner;
  parameters: number;
  macs: number;
  rank?: number;
}

/** The model of a budget: its size is a part of the bundle's parameters or MACs, a part of the ranks, or a width. */
async function modelAt(context: JobContext, budget: BudgetJob): Promise<Sized> {
  const { plan } = context;
  const job = budgetBase(plan, budget);
  const { train: data } = await baseData(context, job);
  const tree = await loadBase(context, job);
  if (job.spec.form === 'kind') {
    const config = baseKindConfig(plan, job.spec, data);
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
    const learner = baseLearner(plan, { job, tree, data });
    return { learner, parameters: learner.counts.parameters, macs: learner.counts.macs };
  }
  const dit = baseDit(plan, job.spec, data);
  const rank = Math.max(1, Math.round(budget.size * (plan.model.learngeneRank + plan.model.tailorRank)));
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

/** Draws and scores the pre-training classes by a model of one budget; nothing is trained. */
export async function runBudget(context: JobContext, budget: BudgetJob): Promise<void> {
  const { out, plan, output, signal } = context;
  const { evaluation, tuning } = plan;
  const key = budgetKey(plan, budget);
  const folder = join(out, 'cells', key);
  const { dataset, pretraining: classes } = plan.tasks[budget.task];
  const all = await openPlanDataset(out, plan, dataset, output);
  const { heldOut } = await baseData(context, { dataset, classes });
  const referee = await openReferee(context, { dataset, all, reference: heldOut });
  const { learner, parameters, macs, rank } = await modelAt(context, budget);
  try {
    const loss = await validationLoss(learner, await heldOutSet(heldOut, evaluation.validationPerClass));
    const labels = sampleLabels(classes.length, evaluation.samplesPerClass);
    // KIND's null label is its learngenes, as it was trained; a dense model has its null label.
    const branch = budget.method.startsWith('bundle-cut') ? ('class-agnostic' as const) : ('null-label' as const);
    const evaluations: Evaluation[] = [];
    for (const mode of ['none', branch] as const) {
      const guidance = { mode, scale: mode === 'none' ? 1 : tuning.screenScale };
      const shape = [heldOut.height, heldOut.width, heldOut.channels] as const;
      const samples = await drawSamples(learner, { labels, guidance, shape, evaluation, seed: budget.seed, signal });
      const figures = await referee.score(samples, labels);
      evaluations.push({ step: 0, guidance: mode, scale: guidance.scale, ...figures, validationLoss: loss });
      await mkdir(folder, { recursive: true });
      await writeGrid(join(folder, 'samples.png'), takePerClass(samples, evaluation.samplesPerClass, 8), 8);
    }
    const result: CellResult = {
      cell: key,
      task: budget.task,
      dataset,
      method: budget.method,
      seed: budget.seed,
      imagesPerClass: 0,
      steps: 0,
      table: 'budget',
      group: String(budget.size),
      learningRate: 0,
      ...(rank !== undefined && { rank }),
      trainable: 0,
      macs,
      bytesPerClass: 4 * parameters,
      parameters,
      guidance: { chosen: branch, scale: tuning.screenScale },
      evaluations,
      stepMs: 0,
      peakRssMiB: process.memoryUsage.rss() / 2 ** 20,
      trainSeconds: 0,
      losses: [],
      samples: 'samples.png',
    };
    await writeJson(join(folder, 'result.json'), result);
  } finally {
    learner.dispose();
    referee.dispose();
  }
}

import { adapterMethods, attachAdaptersAsync, chooseLearngeneBlocksAsync, matchRank } from '@learngene/adapters';
import { applyDit, type DitConfig, type DitParams, initDit } from '@learngene/dit';
import { countTransferParams } from '@learngene/kind';
import { groupPerClass, type ParamTree, sharedGroup } from '@learngene/nn';
import { createGenerator, stream } from '@learngene/random';
import { adapterLearner, ditLearner, freshTree, sampleLosses } from '@learngene/trainer';
import { mean, type Scalar } from '@tensorflow/tfjs-core';
import { baseDit } from '../plan/base-spec';
import type { ModelPlan } from '../plan/benchmark-plan';
import type { MethodForm } from '../plan/methods';
import { diffusion } from '../training/process';
import type { Attached, AttachJob } from './attach-job';
import { attachTailors } from './attach-tailors';

const dense = (tree: ParamTree) => tree as DitParams;

/** Trainable parameters of KIND's fresh tailors for some classes: what every other method is matched to. */
export function parameterBudget(
  { tailorRank }: Pick<ModelPlan, 'tailorRank'>,
  dit: DitConfig,
  classes: number,
): number {
  return countTransferParams({ dit, tailorRank }, { groups: classes, classes });
}

async function attachAdapter(job: AttachJob, form: MethodForm & { kind: 'adapter' }): Promise<Attached> {
  const { spec, base, tree, input, classes, matchFor, seed, calibrationBatch } = job;
  const dit = baseDit(base.model, base.spec, input);
  const groups = (count: number) => (form.shared ? sharedGroup(count) : groupPerClass(count));
  const generator = stream(createGenerator(seed), 'transfer');
  let config = form.adapter;
  if (config.method === 'auto-lg') {
    const { blocks } = await chooseLearngeneBlocksAsync(dense(tree), {
      dit,
      count: Math.max(1, Math.floor(dit.depth / 2)),
      generator,
      loss: (params, step) => {
        const batch = calibrationBatch(step);
        const { labels } = batch;
        return mean(
          sampleLosses(diffusion, (x, t) => applyDit(params, { x, t, labels }, { config: dit }), batch),
        ) as Scalar;
      },
    });
    config = { ...config, blocks };
  }
  const { adapter } = matchRank(config, {
    dit,
    groups: groups(matchFor),
    parameters: parameterBudget({ tailorRank: spec.ranks.tailors }, dit, matchFor),
  });
  const model = await attachAdaptersAsync(dense(tree), {
    dit,
    adapter,
    groups: groups(classes.length),
    nullGate: 'own-class',
    labels: job.labels,
    generator,
  });
  const descendant = adapter.method === 'heur-lg' || adapter.method === 'auto-lg';
  const field = adapterMethods[adapter.method].size?.field;
  const size = field === undefined ? undefined : (adapter as unknown as Record<string, number>)[field];
  return {
    learner: adapterLearner(model, { process: diffusion, agnostic: !descendant }),
    ...(size !== undefined && { size }),
  };
}

/** Attaches a method to its base for novel classes; the learner owns its tensors. */
export async function attachMethod(job: AttachJob): Promise<Attached> {
  const { form } = job.spec;
  switch (form.kind) {
    case 'tailors':
      return attachTailors(job, form);
    case 'adapter':
      return attachAdapter(job, form);
    case 'scratch': {
      const { base, input, classes, seed } = job;
      const dit = { ...baseDit(base.model, base.spec, input), classes: classes.length };
      const params = initDit(stream(createGenerator(seed), 'transfer'), dit);
      return { learner: ditLearner(freshTree(params), { config: dit, form: 'dense', process: diffusion }) };
    }
    default:
      throw new Error(`method: unknown form ${JSON.stringify(form satisfies never)}`);
  }
}

import { adapterMethods, attachAdaptersAsync, chooseLearngeneBlocksAsync, matchRank } from '@learngene/adapters';
import { applyDit, type DitConfig, type DitParams, initDit } from '@learngene/dit';
import { countTransferParams } from '@learngene/kind';
import { groupPerClass, type ParamTree, sharedGroup } from '@learngene/nn';
import { createGenerator, stream } from '@learngene/random';
import { adapterLearner, ditLearner, freshTree, sampleLosses } from '@learngene/trainer';
import { mean, type Scalar } from '@tensorflow/tfjs-core';
import { baseDit } from '../plan/bases';
import type { MethodForm } from '../plan/methods';
import type { Plan } from '../plan/plan';
import { diffusion } from '../training/process';
import type { Attached, AttachJob } from './attach-job';
import { attachTailors } from './attach-tailors';

const dense = (tree: ParamTree) => tree as DitParams;

/** Trainable parameters of KIND's fresh tailors for some classes: what every other method is matched to. */
export function parameterBudget(
  plan: Plan,
  dit: DitConfig,
  classes: number,
  tailorRank = plan.model.tailorRank,
): number {
  return countTransferParams({ dit, tailorRank }, { groups: classes, classes });
}

async function attachAdapter(job: AttachJob, form: MethodForm & { kind: 'adapter' }): Promise<Attached> {
  const { plan, base, tree, pictures, classes, matchFor, seed, look } = job;
  const dit = baseDit(plan, base.spec, pictures);
  const groups = (count: number) => (form.shared ? sharedGroup(count) : groupPerClass(count));
  const generator = stream(createGenerator(seed), 'transfer');
  let input = form.adapter;
  if (input.method === 'auto-lg') {
    const { blocks } = await chooseLearngeneBlocksAsync(dense(tree), {
      dit,
      count: Math.max(1, Math.floor(dit.depth / 2)),
      generator,
      loss: (params, step) => {
        const batch = look(step);
        const { labels } = batch;
        return mean(
          sampleLosses(diffusion, (x, t) => applyDit(params, { x, t, labels }, { config: dit }), batch),
        ) as Scalar;
      },
    });
    input = { ...input, blocks };
  }
  const { adapter } = matchRank(input, {
    dit,
    groups: groups(matchFor),
    parameters: parameterBudget(plan, dit, matchFor, job.spec.ranks.tailors),
  });
  const model = await attachAdaptersAsync(dense(tree), {
    dit,
    adapter,
    groups: groups(classes.length),
    nullGate: 'own-class',
    labels: plan.transfer.labels,
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

/** Attaches a method to its base for novel classes; the learner's tensors are its own. */
export async function attachMethod(job: AttachJob): Promise<Attached> {
  const { form } = job.spec;
  switch (form.kind) {
    case 'tailors':
      return attachTailors(job, form);
    case 'adapter':
      return attachAdapter(job, form);
    case 'scratch': {
      const { plan, base, pictures, classes, seed } = job;
      const dit = { ...baseDit(plan, base.spec, pictures), classes: classes.length };
      const params = initDit(stream(createGenerator(seed), 'transfer'), dit);
      return { learner: ditLearner(freshTree(params), { config: dit, form: 'dense', process: diffusion }) };
    }
    default:
      throw new Error(`method: unknown form ${JSON.stringify(form satisfies never)}`);
  }
}

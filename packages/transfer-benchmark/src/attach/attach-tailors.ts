import { combineTailorsAsync, type LowRankDitParams, lowRankFromDense } from '@learngene/adapters';
import { blockLinearNames, type DitParams, gatherRows, linearShape } from '@learngene/dit';
import {
  initKindTraining,
  type KindConfig,
  type KindModel,
  type KindParams,
  kindConfig,
  paramsFromTree,
  type TailorGroup,
  transferKind,
} from '@learngene/kind';
import { cloneParams, disposeParams, flattenParams, type ParamTree, prefetch, unflattenParams } from '@learngene/nn';
import { createGenerator, type Generator, normal, stream } from '@learngene/random';
import { type FactoredParams, initFactored, orthogonalizeFactored } from '@learngene/tensor-svd';
import { groupsOf, kindLearner, labelRowsLearner } from '@learngene/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { baseDit, baseKindConfig } from '../plan/base-spec';
import type { MethodForm, TailorStart } from '../plan/methods';
import { diffusion } from '../training/process';
import type { Attached, AttachJob } from './attach-job';

/** The learngenes and the shared part of a base of any form, without tailors. */
function learngenesOf(job: AttachJob): KindModel {
  const { spec, base, tree, input } = job;
  if (base.spec.form === 'kind') {
    const config = baseKindConfig(base.model, base.spec, input);
    return { config, params: paramsFromTree(tree, config) };
  }
  const dit = baseDit(base.model, base.spec, input);
  const { learngenes, tailors } = spec.ranks;
  const factored = (
    base.spec.form === 'dense' ? lowRankFromDense(tree as DitParams, dit, { rank: learngenes }) : cloneParams(tree)
  ) as LowRankDitParams & ParamTree;
  const names = new Set(blockLinearNames(dit));
  const shared = new Map<string, tf.Tensor>();
  const main = new Map<string, tf.Tensor>();
  for (const [name, tensor] of flattenParams(factored)) {
    if (name === 'label.table') continue;
    (names.has(name.slice(0, name.lastIndexOf('.'))) ? main : shared).set(name, tensor);
  }
  shared.set('label.null', gatherRows(factored.label.table, Int32Array.of(dit.classes)));
  const layers = new Map<string, tf.Tensor>();
  for (const name of names) {
    const at = (leaf: string) => main.get(`${name}.${leaf}`);
    const layer = { u: at('u'), s: at('s'), v: at('v'), bias: at('bias') } as FactoredParams;
    const kept = layer.s.size > learngenes ? orthogonalizeFactored(layer, { rank: learngenes }) : layer;
    for (const [leaf, tensor] of Object.entries(kept)) if (tensor) layers.set(`${name}.${leaf}`, tensor as tf.Tensor);
  }
  const config = kindConfig({
    dit,
    learngeneRank: learngenes,
    tailorRank: tailors,
    groups: groupsOf(input.classes),
  });
  const params = {
    shared: unflattenParams(shared),
    learngenes: unflattenParams(layers),
    tailors: {},
  } as unknown as KindParams;
  return { config, params };
}

function tailorGroups(classes: readonly string[], shared: boolean): TailorGroup[] {
  return shared ? [{ name: 'all', classes: classes.map((_, id) => id), classNames: classes }] : groupsOf(classes);
}

/** The tailors of the pre-training groups as one: the best approximation of the mean of their weights. */
function meanTailors({ config, params }: KindModel, rank: number): Promise<ParamTree> {
  const all = config.groups.map(({ name }) => ({ blocks: params.tailors[name].blocks }) as unknown as ParamTree);
  const weights = all.map(() => 1 / all.length);
  return combineTailorsAsync(all, { dit: config.dit, weights, combination: 'svd', rank });
}

/** Tailors that start in another way than with zero output and orthonormal v. */
function startTailors(
  model: KindModel,
  { start, mean: average, generator }: { start: TailorStart; mean?: ParamTree; generator: Generator },
): KindParams {
  if (start === 'fresh') return model.params;
  const { dit, tailorRank, learngeneRank } = model.config;
  const mean = average && flattenParams(average);
  const draw = (name: string): FactoredParams => {
    const size = { ...linearShape(dit, name), rank: tailorRank };
    switch (start) {
      case 'frozen':
      case 'warm': {
        const at = (leaf: string) => tf.clone((mean as Map<string, tf.Tensor>).get(`${name}.${leaf}`) as tf.Tensor);
        return { u: at('u'), s: at('s'), v: at('v') } as FactoredParams;
      }
      case 'orthogonal': {
        const f = initFactored(generator, { ...size, init: 'orthogonal', bias: false });
        return { ...f, s: tf.mul(f.s, Math.sqrt(tailorRank / (learngeneRank + tailorRank))) };
      }
      case 'random': {
        const matrix = (rows: number) =>
          tf.tensor2d(normal(generator, rows * tailorRank, { std: 0.02 }), [rows, tailorRank]);
        return { u: matrix(size.out), s: tf.ones([tailorRank]), v: matrix(size.in) };
      }
      case 'own-zero': {
        // s = 0 with random orthonormal u and v: they add nothing at first, and only s has a gradient.
        const f = initFactored(generator, { ...size, init: 'orthogonal', bias: false });
        return { ...f, s: tf.zerosLike(f.s) };
      }
      default:
        throw new Error(`start: unknown ${String(start)}`);
    }
  };
  const tailors = Object.entries(model.params.tailors).map(([group, own]) => {
    const leaves = new Map<string, tf.Tensor>();
    for (const name of blockLinearNames(dit)) {
      const f = draw(name);
      for (const leaf of ['u', 's', 'v'] as const) leaves.set(`${name}.${leaf}`, f[leaf]);
    }
    return [group, { ...(unflattenParams(leaves) as object), label: own.label }];
  });
  return { ...model.params, tailors: Object.fromEntries(tailors) };
}

/** Attaches fresh tailors to the factored form of a base. */
export async function attachTailors(job: AttachJob, form: MethodForm & { kind: 'tailors' }): Promise<Attached> {
  const { spec, classes, matchFor, seed, steps } = job;
  const generator = stream(createGenerator(seed), 'transfer');
  const rank = spec.ranks.tailors * (form.shared ? matchFor : 1);
  const ofMean = form.start === 'frozen' || form.start === 'warm';
  const mean = ofMean ? await meanTailors(learngenesOf(job), rank) : undefined;
  await prefetch(job.tree); // its weights are factored below
  const made = tf.tidy(() => {
    const base = learngenesOf(job);
    const model = transferKind(base, {
      groups: tailorGroups(classes, form.shared),
      generator,
      tailorRank: rank,
      domain: form.distant ? 'distant' : 'near',
      labels: form.distant ? 'random' : job.labels,
    });
    const params = startTailors(model, { start: form.start, mean, generator });
    return { params: cloneParams(params as unknown as ParamTree), config: model.config as never };
  }) as unknown as { params: KindParams; config: KindConfig };
  if (mean) disposeParams(mean);
  const config: KindConfig = { ...made.config, nullGate: 'own-class' };
  if (form.start === 'frozen')
    return { learner: labelRowsLearner({ config, params: made.params }, { process: diffusion }), size: rank };
  const late = form.unfreezeAt < 1;
  const most = form.distant ? 'tailors-and-shared' : late ? 'tailors-and-learngenes' : 'tailors';
  const learner = kindLearner(initKindTraining(made.params, { trainable: most }), {
    config,
    process: diffusion,
    trainable: (step) => (late && step < form.unfreezeAt * steps ? 'tailors' : most),
  });
  return { learner, size: rank };
}

import {
  adapterMethods,
  attachAdapters,
  chooseLearngeneBlocks,
  combineTailors,
  groupPerClass,
  type LowRankDitParams,
  lowRankFromDense,
  matchRank,
  sharedGroup,
} from '@learngene/adapters';
import {
  applyDit,
  blockLinearNames,
  type DitConfig,
  type DitParams,
  gatherRows,
  initDit,
  linearShape,
} from '@learngene/dit';
import {
  countTransferParams,
  initKindTraining,
  type KindConfig,
  type KindModel,
  type KindParams,
  kindConfig,
  type TailorGroup,
  transferKind,
} from '@learngene/kind';
import { cloneParams, flattenParams, type ParamTree, unflattenParams } from '@learngene/nn';
import { createGenerator, type Generator, normal, stream } from '@learngene/random';
import { type FactoredParams, initFactored, orthogonalizeFactored } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { groupsOf } from '../../training/model-config';
import { paramsFromTree } from '../../training/state-files';
import { type BaseJob, baseDit, baseKindConfig } from './bases';
import type { TransferBatch } from './batch';
import type { Learner } from './learner';
import { adapterLearner } from './learner-adapter';
import { kindLearner } from './learner-kind';
import { rowsLearner } from './learner-rows';
import { freshTree, treeLearner } from './learner-tree';
import type { MethodForm, MethodSpec, TailorStart } from './methods';
import type { Plan } from './plan';
import { meanLoss } from './process';

/** What a method is attached to, and for whom. */
export interface AttachJob {
  plan: Plan;
  spec: MethodSpec;
  base: BaseJob;
  /** Averaged weights of the base; never disposed. */
  tree: ParamTree;
  /** Shape and classes of the pictures of the base. */
  pictures: { height: number; width: number; channels: number; classes: readonly string[] };
  /** Novel classes. */
  classes: readonly string[];
  /** How many novel classes the sizes of methods are matched for; the tuning classes use the sizes of the novel ones. */
  matchFor: number;
  /** Steps of the whole transfer. */
  steps: number;
  seed: number;
  /** Pictures to look at before the training, for methods that choose by them. */
  look: (step: number) => TransferBatch;
}

/** A learner with the size that was matched. */
export interface Attached {
  learner: Learner;
  /** Rank, or whatever the method's size is counted in. */
  size?: number;
}

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

/** Learngenes, shared parts and no tailors, of whatever factored or dense base. */
function learngenesOf(job: AttachJob): KindModel {
  const { plan, spec, base, tree, pictures } = job;
  const data = { ...pictures, name: '', size: 0, labels: new Int32Array(), read: async () => new Uint8Array() };
  if (base.spec.form === 'kind') {
    const config = baseKindConfig(plan, base.spec, data);
    return { config, params: paramsFromTree(tree, config) };
  }
  const dit = baseDit(plan, base.spec, data);
  const { learngenes, tailors } = spec.ranks;
  const factored = (
    base.spec.form === 'dense' ? lowRankFromDense(dense(tree), dit, { rank: learngenes }) : cloneParams(tree)
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
    groups: groupsOf(pictures.classes),
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
function meanTailors({ config, params }: KindModel, rank: number): ParamTree {
  const all = config.groups.map(({ name }) => ({ blocks: params.tailors[name].blocks }) as unknown as ParamTree);
  const weights = all.map(() => 1 / all.length);
  return combineTailors(all, { dit: config.dit, weights, combination: 'svd', rank });
}

/** Other starts than zero output with orthonormal v. */
function startTailors(
  model: KindModel,
  base: KindModel,
  { start, generator }: { start: TailorStart; generator: Generator },
): KindParams {
  if (start === 'fresh') return model.params;
  const { dit, tailorRank, learngeneRank } = model.config;
  const mean = start === 'frozen' || start === 'warm' ? flattenParams(meanTailors(base, tailorRank)) : undefined;
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
        // s = 0 with random orthonormal u and v: nothing at first, and only s has a gradient.
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

function attachTailors(job: AttachJob, form: MethodForm & { kind: 'tailors' }): Attached {
  const { plan, spec, classes, matchFor, seed, steps } = job;
  const generator = stream(createGenerator(seed), 'transfer');
  const rank = spec.ranks.tailors * (form.shared ? matchFor : 1);
  const made = tf.tidy(() => {
    const base = learngenesOf(job);
    const model = transferKind(base, {
      groups: tailorGroups(classes, form.shared),
      generator,
      tailorRank: rank,
      domain: form.distant ? 'distant' : 'near',
      labels: form.distant ? 'random' : plan.transfer.labels,
    });
    const params = startTailors(model, base, { start: form.start, generator });
    return { params: cloneParams(params as unknown as ParamTree), config: model.config as never };
  }) as unknown as { params: KindParams; config: KindConfig };
  const config: KindConfig = { ...made.config, nullGate: 'own-class' };
  if (form.start === 'frozen') return { learner: rowsLearner({ config, params: made.params }), size: rank };
  const late = form.unfreezeAt < 1;
  const most = form.distant ? 'tailors-and-shared' : late ? 'tailors-and-learngenes' : 'tailors';
  const learner = kindLearner(initKindTraining(made.params, { trainable: most }), {
    config,
    trainable: (step) => (late && step < form.unfreezeAt * steps ? 'tailors' : most),
    orthogonality: 0,
    reuse: false,
  });
  return { learner, size: rank };
}

function attachAdapter(job: AttachJob, form: MethodForm & { kind: 'adapter' }): Attached {
  const { plan, base, tree, pictures, classes, matchFor, seed, look } = job;
  const dit = baseDit(plan, base.spec, pictures);
  const groups = (count: number) => (form.shared ? sharedGroup(count) : groupPerClass(count));
  const generator = stream(createGenerator(seed), 'transfer');
  let input = form.adapter;
  if (input.method === 'auto-lg') {
    const { blocks } = chooseLearngeneBlocks(dense(tree), {
      dit,
      count: Math.max(1, Math.floor(dit.depth / 2)),
      generator,
      loss: (params, step) => {
        const { x0, noise, t, labels } = look(step);
        return meanLoss({ x0, noise, t, labels }, (inputs) => applyDit(params, inputs, { config: dit }));
      },
    });
    input = { ...input, blocks };
  }
  const { adapter } = matchRank(input, {
    dit,
    groups: groups(matchFor),
    parameters: parameterBudget(plan, dit, matchFor, job.spec.ranks.tailors),
  });
  const model = attachAdapters(dense(tree), {
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
  return { learner: adapterLearner(model, { agnostic: !descendant }), ...(size !== undefined && { size }) };
}

/** Attaches a method to its base for novel classes; the learner's tensors are its own. */
export function attachMethod(job: AttachJob): Attached {
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
      return { learner: treeLearner(freshTree(params), 'dense', dit) };
    }
    default:
      throw new Error(`method: unknown form ${JSON.stringify(form satisfies never)}`);
  }
}

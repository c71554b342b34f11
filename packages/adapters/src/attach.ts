import { blockLinearNames, type DitConfig, type DitParams, gatherRows, linearShape, nullLabel } from '@learngene/dit';
import { type ClassGroup, cloneParams, dims, type ParamTree, prefetch, readingBack } from '@learngene/nn';
import { type Generator, normal, stream } from '@learngene/random';
import type { FactoredParams } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { checkFields, checkGroups, checkOneOf } from './core/checks';
import { layerConfig } from './core/layer-settings';
import type { LayerMethod } from './core/method';
import { type Leaves, mainLayers, overlay, subTree } from './core/trees';
import type { LowRankDitParams } from './low-rank-dit';
import { type AdapterConfig, type AdapterConfigInput, adapterConfig, methodOf } from './methods';
import type { AdaptedConfig, AdaptedModel, AdapterParams, FrozenParams } from './model';
import { trainedTree } from './trained-tree';

/** Options of {@link attachAdapters}. */
export interface AttachOptions {
  /** The base model's architecture. */
  readonly dit: DitConfig;
  /** The method and its settings. */
  readonly adapter: AdapterConfigInput;
  /**
   * The groups of classes that share an adapter, see `sharedGroup` and `groupPerClass`. Their classes must be 0 to n -
   * 1, the new class ids.
   */
  readonly groups: readonly ClassGroup[];
  /**
   * What a sample without a label uses, see `AdaptedConfig`. Default 'base'; for Heur-LG and Auto-LG, whose untrained
   * start is not a usable model, 'own-class'.
   */
  readonly nullGate?: 'base' | 'own-class';
  /**
   * How label rows start: 'random' N(0, 0.02²) (default), 'null' at the null label's row, 'base' at the base's rows of
   * the same ids.
   */
  readonly labels?: 'random' | 'null' | 'base';
  /**
   * Draws the tensors that start at random. Each group draws from a stream named after it; new parts of a descendant
   * are drawn too.
   */
  readonly generator: Generator;
}

/** Standard deviation of new label rows, DiT's. */
const LABEL_STD = 0.02;

/**
 * Attaches fresh adapters to a trained model. Every class starts as the base model, except with Heur-LG, Auto-LG and
 * FINE, which start from a part of it.
 *
 * @param base - a dense DiT, or one of `initLowRankDit` for the method 'low-rank'. Never disposed. The adapted model
 *   keeps clones of its tensors, which share the data; no bytes are copied.
 * @returns f32 parameters that the caller owns.
 * @throws when the base does not fit `dit` or the method, and on options out of range; `ReadBackError` for the methods
 *   that factor weights, which read them back, on WebGPU
 */
export function attachAdapters(base: DitParams | LowRankDitParams, options: AttachOptions): AdaptedModel {
  return readingBack('attachAdapters', () => attached(base, options));
}

/** {@link attachAdapters} on every engine. It waits until the weights that the method factors are read back. */
export async function attachAdaptersAsync(
  base: DitParams | LowRankDitParams,
  options: AttachOptions,
): Promise<AdaptedModel> {
  const method = methodOf(adapterConfig(options.adapter, options.dit));
  if (method.kind === 'layer' && (method.freeze || method.freezeAll)) {
    const tree = base as DitParams & ParamTree;
    await prefetch(...blockLinearNames(options.dit).map((name) => subTree<ParamTree>(tree, name) ?? {}));
  }
  return attachAdapters(base, options);
}

function attached(base: DitParams | LowRankDitParams, options: AttachOptions): AdaptedModel {
  checkFields('attachAdapters', options, ['dit', 'adapter', 'groups', 'nullGate', 'labels', 'generator']);
  const { groups, labels = 'random', generator } = options;
  const classes = checkGroups(groups);
  checkOneOf('labels', labels, ['random', 'null', 'base']);
  const adapter = adapterConfig(options.adapter, options.dit);
  const method = methodOf(adapter);
  const { nullGate = method.kind === 'overlay' && method.prepare ? 'own-class' : 'base' } = options;
  checkOneOf('nullGate', nullGate, ['base', 'own-class']);
  checkBase(base, options.dit, method.base);
  if (labels === 'base' && classes > options.dit.classes) {
    throw new Error(`labels: expected at most ${options.dit.classes} classes, as 'base' has rows for, got ${classes}`);
  }
  const from = { ...options.dit, classes };
  const dit = (method.kind === 'overlay' && method.architecture?.(from, adapter)) || from;
  const config: AdaptedConfig = { dit, adapter, groups, nullGate };
  const tensors = tf.tidy(() => {
    const { label, ...parts } = base as DitParams & ParamTree;
    const start = { ...parts, label: { null: gatherRows(label.table, Int32Array.from([nullLabel(options.dit)])) } };
    const frozen = (
      method.kind === 'layer'
        ? freezeLayers(start, method, config)
        : (method.prepare?.(start, adapter, { dit: from, generator }) ?? start)
    ) as FrozenParams;
    const adapters = groups.map((group): [string, AdapterParams] => {
      const g = stream(generator, group.name);
      const rows = labelRows(g, group, { labels, table: label.table, none: frozen.label.null });
      return [group.name, { layers: freshLayers(frozen, config, g), label: { rows } }];
    });
    // Clones: no leaf is in two places, so that each can be disposed and replaced alone.
    return { frozen: cloneParams(frozen), adapters: cloneParams(Object.fromEntries(adapters)) };
  });
  return { config, ...tensors };
}

/** Throws unless the label table and every main layer have the shapes that the method works on. */
function checkBase(base: ParamTree, dit: DitConfig, form: 'dense' | 'factored'): void {
  const { table } = (base.label ?? {}) as { table?: tf.Tensor };
  if (!table) throw new Error('base: expected label.table, got none');
  dims('base: label.table', table, `${dit.classes + 1} ${dit.hiddenSize}`);
  for (const name of blockLinearNames(dit)) {
    const layer = subTree<Leaves>(base, name) ?? {};
    const size = linearShape(dit, name);
    const wanted = form === 'dense' ? 'weight' : 'u';
    if (!layer[wanted]) throw new Error(`base: expected ${name}.${wanted}, a ${form} model, got none`);
    if (form === 'dense') dims(`base: ${name}.weight`, layer.weight, `${size.out} ${size.in}`);
    else dims(`base: ${name}.u`, (layer as FactoredParams).u, `${size.out} r`);
  }
}

function freezeLayers(base: ParamTree, method: LayerMethod<AdapterConfig>, config: AdaptedConfig): FrozenParams {
  const { dit, adapter } = config;
  const layers = new Map(blockLinearNames(dit).map((name) => [name, subTree<Leaves>(base, name)!]));
  const frozen =
    method.freezeAll?.(layers, adapter) ??
    new Map(
      [...layers].map(([name, layer]) => {
        const own = layerConfig(adapter, name);
        return [name, (own && method.freeze?.(layer, own, context(dit, name))) ?? layer];
      }),
    );
  const { blocks, ...frame } = base;
  const adaln = Object.entries(blocks as ParamTree).map(([i, block]) => [i, { adaln: (block as ParamTree).adaln }]);
  const main = mainLayers(dit, (name) => frozen.get(name)!);
  return overlay({ ...frame, blocks: Object.fromEntries(adaln) }, main) as FrozenParams;
}

function freshLayers(frozen: FrozenParams, { dit, adapter }: AdaptedConfig, generator: Generator): ParamTree {
  const method = methodOf(adapter);
  if (method.kind === 'overlay') return trainedTree(frozen, (name) => method.trains(name, adapter));
  return mainLayers(dit, (name) => {
    const own = layerConfig(adapter, name);
    return own && method.fresh(subTree<Leaves>(frozen, name)!, own, { ...context(dit, name), generator });
  });
}

function labelRows(
  g: Generator,
  { classes }: ClassGroup,
  { labels, table, none }: { labels: 'random' | 'null' | 'base'; table: tf.Tensor2D; none: tf.Tensor2D },
): tf.Tensor2D {
  const [rows, D] = [classes.length, table.shape[1]];
  if (labels === 'base') return gatherRows(table, Int32Array.from(classes));
  return labels === 'null' ? tf.tile(none, [rows, 1]) : tf.tensor2d(normal(g, rows * D, { std: LABEL_STD }), [rows, D]);
}

function context(dit: DitConfig, name: string) {
  return { name, size: linearShape(dit, name) };
}

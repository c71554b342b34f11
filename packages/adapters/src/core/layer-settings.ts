import { blockLinearNames, type DitConfig, linearShape } from '@learngene/dit';
import { checkFields, shown } from './checks';
import type { LayerMethod } from './method';

/** Rank and scaling of single layers, for LoRA and its relatives; PEFT's rank_pattern and alpha_pattern. */
export interface LayerRank {
  /** Rank of the update in this layer (default: the config's). */
  readonly rank?: number;
  /** Numerator of the scaling in this layer (default: the config's). */
  readonly alpha?: number;
}

/** Size of the blocks in single layers, for OFT. */
export interface LayerBlockSize {
  /** Side of a block in this layer; must divide the layer's input width (default: the config's). */
  readonly blockSize?: number;
}

/**
 * Settings of the main layers that differ from the rest, by dotted name ('blocks.3.attn.q'). A layer with null gets no
 * adapter (PEFT's target_modules leaves such a layer out).
 */
export type LayerSettings<Settings extends object> = Readonly<Record<string, Settings | null>>;

/** The part of a config that holds settings of single layers. */
interface Layered {
  /** See {@link LayerSettings}. */
  readonly layers?: LayerSettings<object>;
}

/** The config that a layer has; undefined for one that the adapter leaves as it is. */
export function layerConfig<C extends object>(config: C, name: string): C | undefined {
  const { layers, ...common } = config as C & Layered;
  const own = layers && Object.hasOwn(layers, name) ? layers[name] : {};
  return own === null ? undefined : ({ ...common, ...own } as unknown as C);
}

/** The main layers that an adapter works on, in the order of the model, with the config of each. */
export function adaptedLayers<C extends object>(config: C, dit: DitConfig): { name: string; config: C }[] {
  return blockLinearNames(dit).flatMap((name) => {
    const own = layerConfig(config, name);
    return own ? [{ name, config: own }] : [];
  });
}

/**
 * A complete config with settings of single layers, in normal form: in the order of the model, without settings that
 * equal the config.
 *
 * @throws on a name that is no main layer, a field that may not differ, a value out of range, and when no layer is left
 */
export function withLayerSettings<C extends object>(
  config: C,
  layers: unknown,
  { dit, method }: { readonly dit: DitConfig; readonly method: LayerMethod<C> },
): C {
  if (typeof layers !== 'object' || layers === null || Array.isArray(layers)) {
    throw new Error(`layers: expected an object of settings by layer, got ${shown(layers)}`);
  }
  const names = blockLinearNames(dit);
  for (const name of Object.keys(layers)) {
    if (!names.includes(name)) throw new Error(`layers: expected names such as ${names[0]}, got ${shown(name)}`);
  }
  const { fields, check } = method.layerSettings!;
  const kept: Record<string, object | null> = {};
  for (const name of names) {
    const own = Object.hasOwn(layers, name) ? (layers as Record<string, unknown>)[name] : undefined;
    if (own === undefined) continue;
    if (own === null) {
      kept[name] = null;
      continue;
    }
    if (typeof own !== 'object') throw new Error(`layers.${name}: expected an object or null, got ${shown(own)}`);
    checkFields(`layers.${name}`, own, fields);
    const whole = { ...config, ...own };
    try {
      check(whole, linearShape(dit, name), dit);
    } catch (error) {
      throw new Error(`layers.${name}.${(error as Error).message}`, { cause: error });
    }
    const differing = Object.entries(own).filter(([field, value]) => config[field as keyof C] !== value);
    if (differing.length > 0) kept[name] = Object.fromEntries(differing);
  }
  if (names.every((name) => kept[name] === null)) throw new Error('layers: expected at least one layer, got none');
  return Object.keys(kept).length === 0 ? config : { ...config, layers: kept };
}

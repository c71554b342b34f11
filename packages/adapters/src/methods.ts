import type { DitConfig } from '@learngene/dit';
import { shown } from './core/checks';
import { withLayerSettings } from './core/layer-settings';
import type { AdapterMethod } from './core/method';
import { type BitfitConfig, bitfit } from './methods/bitfit';
import { type DoraConfig, dora } from './methods/dora';
import { type FineConfig, fine } from './methods/fine';
import { type FullConfig, full } from './methods/full';
import { type AutoLgConfig, autoLg, type HeurLgConfig, heurLg } from './methods/learngene-blocks';
import { type LohaConfig, loha } from './methods/loha';
import { type LoraConfig, lora } from './methods/lora';
import { type OftConfig, oft } from './methods/oft';
import { type PissaConfig, pissa } from './methods/pissa';
import { type SvdiffConfig, svdiff } from './methods/svdiff';
import { type LowRankConfig, lowRankTailors, type SvdCutConfig, svdCutTailors } from './methods/tailors';

/** The settings of a method; they determine its tensors and numbers. Plain JSON; `method` says which method it is. */
export type AdapterConfig =
  | FullConfig
  | LowRankConfig
  | SvdCutConfig
  | LoraConfig
  | DoraConfig
  | PissaConfig
  | SvdiffConfig
  | OftConfig
  | LohaConfig
  | BitfitConfig
  | HeurLgConfig
  | AutoLgConfig
  | FineConfig;

/** Names of the methods. */
export type AdapterName = AdapterConfig['method'];

/** The config of one method. */
export type ConfigOf<M extends AdapterName> = Extract<
  AdapterConfig,
  {
    /** Its name. */
    readonly method: M;
  }
>;

/** A method's name and any of its other fields. */
export type AdapterConfigInput = {
  [M in AdapterName]: Pick<ConfigOf<M>, 'method' & keyof ConfigOf<M>> & Partial<ConfigOf<M>>;
}[AdapterName];

/** All methods by name, for a program that runs each. */
export const adapterMethods: { readonly [M in AdapterName]: AdapterMethod<ConfigOf<M>> } = {
  full,
  'low-rank': lowRankTailors,
  'svd-cut': svdCutTailors,
  lora,
  dora,
  pissa,
  svdiff,
  oft,
  loha,
  bitfit,
  'heur-lg': heurLg,
  'auto-lg': autoLg,
  fine,
};

/** The method of a config. Its functions take that config. */
export function methodOf({ method }: { readonly method: AdapterName }): AdapterMethod<AdapterConfig> {
  if (!Object.hasOwn(adapterMethods, method)) {
    throw new Error(`method: expected one of ${Object.keys(adapterMethods).join(', ')}, got ${shown(method)}`);
  }
  return adapterMethods[method] as AdapterMethod<AdapterConfig>;
}

/**
 * A complete, validated config. Defaults are documented at the fields of each method's config.
 *
 * @param input - the name of the method and any of its fields.
 * @param dit - the base model's architecture, which bounds ranks and blocks.
 * @throws on an unknown method and on a field that is unknown or out of range, naming it
 */
export function adapterConfig(input: AdapterConfigInput, dit: DitConfig): AdapterConfig {
  const method = methodOf(input);
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  if (method.kind === 'overlay' || !method.layerSettings || !Object.hasOwn(given, 'layers')) {
    return method.complete(given, dit);
  }
  const { layers, ...fields } = given as { layers: unknown };
  return withLayerSettings(method.complete(fields, dit), layers, { dit, method });
}

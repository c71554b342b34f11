import { type DitConfig, linearShape } from '@learngene/dit';
import { adaptedLayers } from '../core/layer-settings';
import type { AdapterConfig } from '../methods';
import type { OftConfig } from '../methods/oft';
import type { ModuleNames } from './modules';
import { adjustedSize } from './oft-size';
import type { Json } from './peft-fields';

/** What PEFT's base config holds for every method. */
function base(peftType: string, targets: unknown): Record<string, unknown> {
  return {
    auto_mapping: null,
    base_model_name_or_path: null,
    inference_mode: true,
    peft_type: peftType,
    revision: null,
    target_modules: targets,
    task_type: null,
  };
}

/** A text as a regular expression that it alone matches. */
const literal = (text: string) => text.replaceAll('.', '\\.');

/**
 * The names of the layers with an adapter, and the fields in which they differ, as PEFT's patterns. A string of targets is a
 * regular expression that the whole module name must match.
 */
function layerFields(config: AdapterConfig, { dit, names }: PeftTarget) {
  const own = ('layers' in config && config.layers ? config.layers : {}) as Readonly<Record<string, Settings>>;
  const ranks: Record<string, number> = {};
  const alphas: Record<string, number> = {};
  for (const [name, settings] of Object.entries(own)) {
    const key = literal(names.of(name));
    if (settings?.rank !== undefined) ranks[key] = settings.rank;
    if (settings?.alpha !== undefined) alphas[key] = settings.alpha;
  }
  const isPart = Object.values(own).includes(null);
  return {
    ranks,
    alphas,
    targets: isPart ? adaptedLayers(config, dit).map(({ name }) => names.of(name)) : names.pattern,
  };
}
type Settings = { readonly rank?: number; readonly alpha?: number } | null;

/** `oft_block_size`, or `r` where only that gives every layer its block; undefined where neither does. */
function oftSizes(
  config: OftConfig,
  dit: DitConfig,
): { readonly r: number; readonly oft_block_size: number } | undefined {
  const layers = adaptedLayers(config, dit).map(({ name, config: { blockSize } }) => ({
    inputs: linearShape(dit, name).in,
    blockSize,
  }));
  const most = Math.max(...layers.map(({ inputs }) => inputs));
  const gives = (block: (inputs: number) => number) => layers.every((layer) => block(layer.inputs) === layer.blockSize);
  if (gives((inputs) => adjustedSize(inputs, config.blockSize))) return { r: 0, oft_block_size: config.blockSize };
  for (let n = 1; n <= most; n++) {
    if (gives((inputs) => adjustedSize(inputs, n))) return { r: 0, oft_block_size: n };
    if (gives((inputs) => inputs / adjustedSize(inputs, n))) return { r: n, oft_block_size: 0 };
  }
  return undefined;
}

/** A type of our own for methods that PEFT does not have. */
function ownType(config: AdapterConfig, { pattern }: ModuleNames): Json {
  return base(`LEARNGENE_${config.method.toUpperCase().replaceAll('-', '_')}`, pattern);
}

/** The network that an adapter is for, and how its files name the modules. */
export interface PeftTarget {
  readonly dit: DitConfig;
  readonly names: ModuleNames;
}

/** The content of adapter_config.json; a method that PEFT does not have gets a type of its own, 'LEARNGENE_...'. */
export function toPeftConfig(config: AdapterConfig, target: PeftTarget): Json {
  const { dit, names } = target;
  const { ranks, alphas, targets } = layerFields(config, target);
  const lora = { bias: 'none', fan_in_fan_out: false, lora_bias: false, lora_dropout: 0, modules_to_save: null };
  switch (config.method) {
    case 'lora':
    case 'dora':
    case 'pissa':
      return {
        ...base('LORA', targets),
        ...lora,
        alpha_pattern: alphas,
        init_lora_weights: config.method === 'pissa' ? pissaName(config.init) : true,
        lora_alpha: config.alpha,
        r: config.rank,
        rank_pattern: ranks,
        use_dora: config.method === 'dora',
        use_rslora: config.method !== 'pissa' && config.rsLora,
      };
    case 'oft': {
      const sizes = oftSizes(config, dit);
      if (!sizes) return ownType(config, names);
      return {
        ...base('OFT', targets),
        bias: 'none',
        block_share: false,
        coft: false,
        fan_in_fan_out: false,
        init_weights: true,
        module_dropout: 0,
        ...sizes,
        use_cayley_neumann: config.cayley !== 'exact',
        num_cayley_neumann_terms: config.cayley === 'exact' ? 5 : config.cayley,
        // Without it PEFT takes the form of the series of older versions, which it warns about.
        peft_version: '0.18.0',
      };
    }
    case 'loha':
      return {
        ...base('LOHA', targets),
        alpha: config.alpha,
        alpha_pattern: alphas,
        init_weights: true,
        module_dropout: 0,
        r: config.rank,
        rank_dropout: 0,
        rank_pattern: ranks,
      };
    default:
      return ownType(config, names);
  }
}

function pissaName(init: 'exact' | { readonly iterations: number }): string {
  return init === 'exact' ? 'pissa' : `pissa_niter_${init.iterations}`;
}

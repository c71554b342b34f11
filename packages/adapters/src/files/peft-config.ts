import type { DitConfig } from '@learngene/dit';
import { shown } from '../checks';
import { type AdapterConfig, type AdapterConfigInput, adapterConfig } from '../methods';
import { AdapterFileError, FILES } from './names';

/** A JSON object of unknown fields. */
export type Json = Readonly<Record<string, unknown>>;

/** Main layers by PEFT's rule: a string is a regular expression that the whole module name must match. */
const TARGETS = 'blocks\\.\\d+\\.(attn\\.[qkvo]|mlp\\.(in|out))';

/** What PEFT's base config holds for every method. */
function base(peftType: string): Record<string, unknown> {
  return {
    auto_mapping: null,
    base_model_name_or_path: null,
    inference_mode: true,
    peft_type: peftType,
    revision: null,
    target_modules: TARGETS,
    task_type: null,
  };
}

/** The content of adapter_config.json; a method that PEFT does not have gets a type of its own, 'LEARNGENE_...'. */
export function toPeftConfig(config: AdapterConfig): Json {
  const lora = { bias: 'none', fan_in_fan_out: false, lora_bias: false, lora_dropout: 0, modules_to_save: null };
  switch (config.method) {
    case 'lora':
    case 'dora':
    case 'pissa':
      return {
        ...base('LORA'),
        ...lora,
        alpha_pattern: {},
        init_lora_weights: config.method === 'pissa' ? pissaName(config.init) : true,
        lora_alpha: config.alpha,
        r: config.rank,
        rank_pattern: {},
        use_dora: config.method === 'dora',
        use_rslora: config.method !== 'pissa' && config.rsLora,
      };
    case 'oft':
      return {
        ...base('OFT'),
        bias: 'none',
        block_share: false,
        coft: false,
        fan_in_fan_out: false,
        init_weights: true,
        module_dropout: 0,
        oft_block_size: config.blockSize,
        r: 0,
        use_cayley_neumann: config.cayley !== 'exact',
        num_cayley_neumann_terms: config.cayley === 'exact' ? 5 : config.cayley,
        // Without it PEFT takes the form of the series of older versions, which it warns about.
        peft_version: '0.18.0',
      };
    case 'loha':
      return {
        ...base('LOHA'),
        alpha: config.alpha,
        alpha_pattern: {},
        init_weights: true,
        module_dropout: 0,
        r: config.rank,
        rank_dropout: 0,
        rank_pattern: {},
      };
    default:
      return base(`LEARNGENE_${config.method.toUpperCase().replaceAll('-', '_')}`);
  }
}

function pissaName(init: 'exact' | { readonly iterations: number }): string {
  return init === 'exact' ? 'pissa' : `pissa_niter_${init.iterations}`;
}

/** Fields that change what an adapter computes, and the values under which it is what we compute. */
const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
  alora_invocation_tokens: [null],
  alpha_pattern: [null, 'empty'],
  arrow_config: [null],
  bias: ['none'],
  block_share: [false],
  coft: [false],
  fan_in_fan_out: [false],
  kasa_config: [null],
  layer_replication: [null],
  layers_to_transform: [null],
  lora_bias: [false],
  modules_to_save: [null],
  monteclora_config: [null],
  rank_pattern: [null, 'empty'],
  target_parameters: [null],
  trainable_token_indices: [null],
  use_bdlora: [null, false],
  use_effective_conv2d: [false],
  use_qalora: [false],
  velora_config: [null],
};

/**
 * The method and settings of a PEFT config (LORA with its DoRA, rsLoRA and PiSSA forms, OFT, LOHA). Dropout is training's
 * and ignored. Throws on another type, on a setting that we do not compute, and on values out of range.
 */
export function fromPeftConfig(json: Json, dit: DitConfig): AdapterConfig {
  for (const [field, allowed] of Object.entries(NEUTRAL)) {
    const value = Object.hasOwn(json, field) ? json[field] : allowed[0];
    const empty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
    if (!allowed.includes(value) && !(empty && allowed.includes('empty'))) {
      throw new AdapterFileError(FILES.config, `${field}: expected ${shown(allowed[0])}, got ${shown(value)}`);
    }
  }
  try {
    return adapterConfig(inputOf(json) as AdapterConfigInput, dit);
  } catch (error) {
    if (error instanceof AdapterFileError) throw error;
    throw new AdapterFileError(FILES.config, (error as Error).message, { cause: error });
  }
}

function inputOf(json: Json): object {
  const { r: rank } = json;
  switch (json.peft_type) {
    case 'LORA': {
      const shared = { rank, alpha: json.lora_alpha ?? 8 };
      const init = json.init_lora_weights ?? true;
      const { use_dora: isDora = false, use_rslora: rsLora = false } = json;
      if (init === 'pissa' && isDora === false && rsLora === false) return { method: 'pissa', ...shared };
      if (typeof init === 'string' && init.startsWith('pissa')) {
        const problem = 'init_lora_weights: PiSSA from a random start or with other forms needs learngene.json';
        throw new AdapterFileError(FILES.config, `${problem}; convert it to LoRA`);
      }
      return { method: isDora ? 'dora' : 'lora', ...shared, rsLora };
    }
    case 'OFT': {
      const { use_cayley_neumann: series = true, num_cayley_neumann_terms: terms = 5 } = json;
      return { method: 'oft', blockSize: json.oft_block_size, cayley: series ? terms : 'exact' };
    }
    case 'LOHA':
      return { method: 'loha', rank, alpha: json.alpha ?? 8 };
    default:
      throw new AdapterFileError(FILES.config, `peft_type: expected LORA, OFT or LOHA, got ${shown(json.peft_type)}`);
  }
}

import { shown } from '../core/checks';
import { AdapterFileError, FILES } from './names';

/** A JSON object of unknown fields. */
export type Json = Readonly<Record<string, unknown>>;

/** What a field of adapter_config.json may hold. */
type Rule =
  /** Read by `fromPeftConfig`. */
  | 'read'
  /** A field about training or the origin of the adapter, which does not change what it computes. */
  | 'harmless'
  /** The values under which the adapter computes what we compute; `{}` stands for an empty object or list. */
  | readonly unknown[];

const OFF: Rule = [false, null];
const NONE: Rule = [null, {}];

/** Fields that all types have. */
const COMMON: Readonly<Record<string, Rule>> = {
  auto_mapping: 'harmless',
  base_model_name_or_path: 'harmless',
  inference_mode: 'harmless',
  peft_type: 'read',
  peft_version: 'read',
  revision: 'harmless',
  task_type: 'harmless',
  exclude_modules: 'read',
  layers_pattern: 'read',
  layers_to_transform: 'read',
  modules_to_save: NONE,
  target_modules: 'read',
};

/** Every field of PEFT 0.21 by type: what is not here is refused by its name. */
const RULES: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  LORA: {
    ...COMMON,
    alora_invocation_tokens: NONE,
    alpha_pattern: 'read',
    arrow_config: NONE,
    bias: ['none'],
    // Settings of initialisations, which `init_lora_weights` chooses.
    corda_config: 'harmless',
    ensure_weight_tying: OFF,
    eva_config: 'harmless',
    fan_in_fan_out: OFF,
    init_lora_weights: 'read',
    kasa_config: NONE,
    layer_replication: NONE,
    loftq_config: 'harmless',
    lora_alpha: 'read',
    lora_bias: OFF,
    lora_dropout: 'harmless',
    lora_ga_config: 'harmless',
    megatron_config: NONE,
    megatron_core: 'harmless', // a module's name, used with megatron_config
    monteclora_config: NONE,
    qalora_group_size: 'harmless', // used with use_qalora
    r: 'read',
    rank_pattern: 'read',
    target_parameters: NONE,
    trainable_token_indices: NONE,
    use_bdlora: OFF,
    use_dora: 'read',
    use_qalora: OFF,
    use_rslora: 'read',
    velora_config: NONE,
  },
  OFT: {
    ...COMMON,
    bias: ['none'],
    block_share: OFF,
    coft: OFF,
    eps: 'harmless', // used with coft
    fan_in_fan_out: OFF,
    init_weights: 'harmless', // a rotation by nothing, or a random one: the file has what became of it
    module_dropout: 'harmless',
    num_cayley_neumann_terms: 'read',
    oft_block_size: 'read',
    r: 'read',
    use_cayley_neumann: 'read',
  },
  LOHA: {
    ...COMMON,
    alpha: 'read',
    alpha_pattern: 'read',
    init_weights: 'harmless',
    module_dropout: 'harmless',
    r: 'read',
    rank_dropout: 'harmless',
    rank_pattern: 'read',
    use_effective_conv2d: 'harmless', // of convolutions
  },
};

/** Fails on a field of adapter_config.json. */
export function failField(field: string, expected: string, got: unknown): never {
  throw new AdapterFileError(FILES.config, `${field}: expected ${expected}, got ${shown(got)}`);
}

/**
 * Throws on a type, a field or a value that is not read here, naming it. A field that we do not know passes where it is
 * null, which is how PEFT says that something new is not used.
 */
export function checkPeftFields(json: Json): void {
  const type = Object.hasOwn(json, 'peft_type') ? json.peft_type : undefined;
  if (typeof type !== 'string' || !Object.hasOwn(RULES, type)) failField('peft_type', 'LORA, OFT or LOHA', type);
  const rules = RULES[type];
  for (const [field, value] of Object.entries(json)) {
    const rule = Object.hasOwn(rules, field) ? rules[field] : undefined;
    if (rule === 'read' || rule === 'harmless' || (rule === undefined && value === null)) continue;
    if (rule === undefined) {
      const problem = `${shown(field)}: expected no such field of ${type}; what it does is not known here`;
      throw new AdapterFileError(FILES.config, problem);
    }
    const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
    if (!rule.includes(value) && !(isEmpty && rule === NONE)) failField(field, shown(rule[0]), value);
  }
}

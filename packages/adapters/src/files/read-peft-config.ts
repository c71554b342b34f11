import { blockLinearNames, type DitConfig, linearShape } from '@learngene/dit';
import { shown } from '../core/checks';
import { type AdapterConfig, type AdapterConfigInput, adapterConfig } from '../methods';
import { blockSizes } from '../methods/oft';
import { AdapterFileError, FILES } from './names';
import { adjustedSize } from './oft-size';
import type { PeftTarget } from './peft-config';
import { checkPeftFields, failField, type Json } from './peft-fields';
import { patternValues, targetedLayers } from './peft-targets';

/** Initialisations of LoRA that leave the base model unchanged, so that the trained factors are all that matters. */
const PLAIN_INITS: readonly unknown[] = [true, false, null, 'gaussian', 'eva', 'orthogonal'];

/** The first version of PEFT whose series of the Cayley transform is the one that is computed here. */
const SERIES_SINCE = [0, 18];

/**
 * The method and settings of a PEFT config (LORA with its DoRA, rsLoRA and PiSSA forms, OFT, LOHA), with the layers
 * that it names and their ranks.
 *
 * @throws {@link AdapterFileError} on another type, on a field that is unknown, on a setting that is not computed here,
 *   and on values out of range, naming the field
 */
export function fromPeftConfig(json: Json, target: PeftTarget): AdapterConfig {
  const { dit, names } = target;
  checkPeftFields(json);
  const targets = targetedLayers(json, target);
  const rank = patternValues('rank_pattern', json.rank_pattern);
  const alpha = patternValues('alpha_pattern', json.alpha_pattern);
  const { input, blockSize } = inputOf(json, dit);
  const layers: Record<string, object | null> = {};
  for (const name of blockLinearNames(dit)) {
    const module = names.of(name);
    const own = { rank: rank(module), alpha: alpha(module), blockSize: blockSize?.(name) };
    const set = Object.entries(own).filter(([, value]) => value !== undefined);
    if (!targets.has(name)) layers[name] = null;
    else if (set.length > 0) layers[name] = Object.fromEntries(set);
  }
  try {
    return adapterConfig({ ...input, ...(Object.keys(layers).length > 0 && { layers }) } as AdapterConfigInput, dit);
  } catch (error) {
    const { message } = error as Error;
    const own = json.peft_type === 'LORA' ? 'lora_alpha:' : 'alpha:'; // as the file has them
    throw new AdapterFileError(FILES.config, message.replace(/^rank:/, 'r:').replace(/^alpha:/, own), { cause: error });
  }
}

interface Input {
  readonly input: object;
  readonly blockSize?: (name: string) => number;
}

function inputOf(json: Json, dit: DitConfig): Input {
  const { r: rank = 8 } = json;
  if (rank === null) failField('r', 'a positive integer', rank);
  switch (json.peft_type) {
    case 'LORA': {
      const shared = { rank, alpha: json.lora_alpha === undefined ? 8 : json.lora_alpha };
      const { init_lora_weights: init = true, use_dora: isDora = false, use_rslora: rsLora = false } = json;
      for (const [field, value] of Object.entries({ use_dora: isDora, use_rslora: rsLora })) {
        if (typeof value !== 'boolean') failField(field, 'true or false', value);
      }
      if (init === 'pissa') {
        // Its residual depends on the scaling and on what else changes the weight.
        for (const [field, value] of Object.entries({ use_dora: isDora, use_rslora: rsLora })) {
          if (value) failField(field, 'false with init_lora_weights "pissa"', value);
        }
        return { input: { method: 'pissa', ...shared } };
      }
      if (!PLAIN_INITS.includes(typeof init === 'string' ? init.toLowerCase() : init)) {
        const known = `${PLAIN_INITS.map(shown).join(', ')} or "pissa" alone (others may have changed the base model: let PEFT`;
        failField('init_lora_weights', `${known} save it with path_initial_model_for_weight_conversion)`, init);
      }
      return { input: { method: isDora ? 'dora' : 'lora', ...shared, rsLora } };
    }
    case 'OFT':
      return oftInput(json, dit);
    default:
      return { input: { method: 'loha', rank, alpha: json.alpha === undefined ? 8 : json.alpha } };
  }
}

/** OFT by the size of a block, or by their number `r`; PEFT moves either to a near divisor of the layer's input width. */
function oftInput(json: Json, dit: DitConfig): Input {
  const { use_cayley_neumann: series = true, num_cayley_neumann_terms: terms = 5, peft_version: version } = json;
  const { r: blocks = 0, oft_block_size: size } = json;
  if (typeof series !== 'boolean') failField('use_cayley_neumann', 'true or false', series);
  if (size === undefined) failField('oft_block_size', 'a number (adapters of PEFT before 0.14 are others)', size);
  if (series && !isSince(version, SERIES_SINCE)) {
    failField('peft_version', `at least ${SERIES_SINCE.join('.')} with use_cayley_neumann`, version);
  }
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (!isCount(blocks)) failField('r', 'a natural number', blocks);
  if (!isCount(size)) failField('oft_block_size', 'a natural number', size);
  if ((blocks === 0) === (size === 0)) failField('r', `0 or oft_block_size 0, not both or neither (${size})`, blocks);
  const blockSize = (name: string): number => {
    const { in: inputs } = linearShape(dit, name);
    const own = size > 0 ? adjustedSize(inputs, size) : inputs / adjustedSize(inputs, blocks);
    if (own < 2)
      failField(size > 0 ? 'oft_block_size' : 'r', `blocks of at least 2 at ${name}`, size > 0 ? size : blocks);
    return own;
  };
  const first = blockSize(blockLinearNames(dit)[0]);
  const common = blockSizes(dit).includes(first) ? first : blockSizes(dit)[0];
  return { input: { method: 'oft', blockSize: common, cayley: series ? terms : 'exact' }, blockSize };
}

/** Whether a version such as '0.18.1.dev0@main' is that or later. */
function isSince(version: unknown, [major, minor]: readonly number[]): boolean {
  const found = typeof version === 'string' ? /^(\d+)\.(\d+)/.exec(version) : null;
  if (!found) return false;
  const [own, next] = [Number(found[1]), Number(found[2])];
  return own > major || (own === major && next >= minor);
}

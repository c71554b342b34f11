import type { NamedTensors, TensorData } from '@learngene/tensor-io';
import { checkTensors, shown } from './arguments';
import type { NamedShapes } from './infer';
import { PATCH_KEYS } from './layouts';

/**
 * The prefixes under which a state dict holds a DiT, each once: `['']` for a plain one, `['module.']` of
 * DistributedDataParallel, `['_orig_mod.']` of torch.compile, `['ema.', 'model.']` of a file with both, `[]` for no DiT.
 *
 * @param tensors - only keys are read.
 */
export function ditPrefixes(tensors: NamedShapes): string[] {
  checkTensors(tensors);
  const prefixes = new Set<string>();
  for (const key of tensors.keys()) {
    for (const patch of Object.values(PATCH_KEYS)) {
      if (key === patch) prefixes.add('');
      else if (key.endsWith(`.${patch}`)) prefixes.add(key.slice(0, -patch.length));
    }
  }
  return [...prefixes].sort();
}

/**
 * The tensors whose keys begin with `prefix`, without it; the others are left out.
 *
 * @throws where there are none, naming the prefixes that there are
 */
export function withoutPrefix(tensors: NamedTensors, prefix: string): Map<string, TensorData> {
  checkTensors(tensors);
  if (typeof prefix !== 'string') throw new Error(`prefix: expected a text, got ${shown(prefix)}`);
  const keys = [...tensors.keys()].filter((key) => key.startsWith(prefix) && key.length > prefix.length);
  if (keys.length === 0) {
    const found = ditPrefixes(tensors).map((name) => `'${name}'`);
    throw new Error(
      `prefix: expected one of ${found.join(', ') || 'a DiT state dict, which this is not'}, got '${prefix}'`,
    );
  }
  return new Map(keys.map((key) => [key.slice(prefix.length), tensors.get(key)!]));
}

import type { AdapterName } from '../methods';
import type { ModuleNames } from './modules';

/** PEFT's prefix of every key. */
const PREFIX = 'base_model.model.';

/** The name of a leaf in a file, and whether it is stored transposed. */
interface FileLeaf {
  readonly suffix: string;
  readonly transposed?: boolean;
}

const LORA: Readonly<Record<string, FileLeaf>> = {
  a: { suffix: 'lora_A.weight', transposed: true },
  b: { suffix: 'lora_B.weight' },
  magnitude: { suffix: 'lora_magnitude_vector' },
};

const LEAVES: Partial<Record<AdapterName, Readonly<Record<string, FileLeaf>>>> = {
  lora: LORA,
  dora: LORA,
  pissa: LORA,
  oft: { skew: { suffix: 'oft_R.weight' } },
  loha: {
    w1a: { suffix: 'hada_w1_a' },
    w1b: { suffix: 'hada_w1_b' },
    w2a: { suffix: 'hada_w2_a' },
    w2b: { suffix: 'hada_w2_b' },
  },
};

/** The key of a trained tensor in adapter_model.safetensors, and whether its two axes are swapped there. */
export function fileKey(
  method: AdapterName,
  name: string,
  modules: ModuleNames,
): { readonly key: string; readonly transposed: boolean } {
  const dot = name.lastIndexOf('.');
  const leaf = LEAVES[method]?.[name.slice(dot + 1)];
  const key = `${modules.of(name.slice(0, dot))}.${leaf ? leaf.suffix : name.slice(dot + 1)}`;
  return { key: PREFIX + key, transposed: leaf?.transposed ?? false };
}

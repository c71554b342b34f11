import { checkTensors } from './arguments';
import type { NamedTensors, TensorData } from './tensor-data';
import { shown, TensorFileError } from './tensor-file-error';

/** How tensors are distributed over several files. */
export interface ShardPlan {
  /** The tensors of each file, by file name. Where all fit there is one file, without a number. */
  readonly shards: ReadonlyMap<string, Map<string, TensorData>>;
  /** The text of the index file, or undefined where one file is enough. */
  readonly index: string | undefined;
}

/** Splits in the tensors' order, as huggingface_hub does. A tensor above the limit gets a file of its own. */
function splitBySize(tensors: NamedTensors, maxBytes: number): Map<string, TensorData>[] {
  const shards: Map<string, TensorData>[] = [];
  let current = new Map<string, TensorData>();
  let bytes = 0;
  for (const [name, tensor] of tensors) {
    const size = tensor.data.byteLength;
    if (size > maxBytes) {
      shards.push(new Map([[name, tensor]]));
      continue;
    }
    if (bytes + size > maxBytes) {
      shards.push(current);
      current = new Map();
      bytes = 0;
    }
    current.set(name, tensor);
    bytes += size;
  }
  if (current.size > 0 || shards.length === 0) shards.push(current);
  return shards;
}

/** JSON with everything beyond ASCII escaped, as Python writes it. */
function asciiJson(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (unit) =>
    unit === '\u007f' ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Plans the files of a checkpoint as huggingface_hub does: `<stem>-00001-of-00003.safetensors` and an index with
 * `metadata.total_size` and `weight_map`.
 * @param fileName the name that the checkpoint would have in one file, such as `model.safetensors`.
 * @param maxShardBytes the most bytes of tensor data in a file; a larger tensor stands alone.
 */
export function planShards(fileName: string, tensors: NamedTensors, maxShardBytes: number): ShardPlan {
  checkTensors(fileName, tensors);
  if (typeof maxShardBytes !== 'number' || !(maxShardBytes > 0)) {
    throw new TensorFileError(fileName, `maxShardBytes: expected a number above 0, got ${shown(maxShardBytes)}`);
  }
  const groups = splitBySize(tensors, maxShardBytes);
  if (groups.length === 1) return { shards: new Map([[fileName, groups[0]]]), index: undefined };
  if (!fileName.endsWith('.safetensors')) {
    throw new TensorFileError(fileName, 'a checkpoint of several files needs a name that ends in .safetensors');
  }
  const stem = fileName.replace(/\.safetensors$/, '');
  const five = (value: number) => String(value).padStart(5, '0');
  const shards = new Map(
    groups.map((group, i) => [`${stem}-${five(i + 1)}-of-${five(groups.length)}.safetensors`, group]),
  );
  const lines = [...shards].flatMap(([file, group]) =>
    [...group.keys()].map((name) => `    ${asciiJson(name)}: ${asciiJson(file)}`),
  );
  const total = [...tensors.values()].reduce((sum, tensor) => sum + tensor.data.byteLength, 0);
  const index = `{\n  "metadata": {\n    "total_size": ${total}\n  },\n  "weight_map": {\n${lines.join(',\n')}\n  }\n}`;
  return { shards, index };
}

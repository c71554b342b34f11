import type { DitConfig } from '@learngene/dit';
import type { ClassGroup } from '@learngene/nn';
import {
  decodeSafetensors,
  duplicateKey,
  fromFloat32,
  type NamedTensors,
  type TensorData,
  toFloat32,
} from '@learngene/tensor-io';
import { checkFields, checkGroups, shown } from '../core/checks';
import { type AdapterConfig, type AdapterConfigInput, adapterConfig } from '../methods';
import { trainedShapes } from '../trained-shapes';
import { transposedData, VERSION } from './encode';
import { fileKey } from './keys';
import { type ModuleOptions, moduleNames } from './modules';
import { AdapterFileError, FILES } from './names';
import { type PeftTarget, toPeftConfig } from './peft-config';
import type { Json } from './peft-fields';
import { fromPeftConfig } from './read-peft-config';

/** Longest JSON file that is read. */
const MAX_JSON_BYTES = 1 << 20;

/** An adapter read from files; no tensors yet. */
export interface DecodedAdapter {
  /** Method and settings. */
  readonly adapter: AdapterConfig;
  /** Values of the trained tensors by dotted name below a group's `layers`, f32. */
  readonly layers: NamedTensors;
  /** The group that it was saved for; undefined for a folder that PEFT wrote. */
  readonly group?: ClassGroup;
  /** [classes of the group, D]; undefined for a folder that PEFT wrote. */
  readonly labelRows?: TensorData;
}

/**
 * Reads the files of an adapter: those of `encodeAdapter`, or a folder that PEFT's `save_pretrained` wrote for a model
 * whose main layers have our names ('blocks.0.attn.q') or those of diffusers.
 *
 * @param files - bytes by file name; other files than the four are ignored.
 * @param dit - the architecture that the adapter is for, with the classes of the label space (for Heur-LG and Auto-LG:
 *   the base model's).
 * @param options - whose names the modules have.
 * @throws {@link AdapterFileError} on whatever is missing, malformed, unknown or does not fit, before a tensor is made
 */
export function decodeAdapter(
  files: ReadonlyMap<string, Uint8Array>,
  dit: DitConfig,
  options: ModuleOptions = {},
): DecodedAdapter {
  checkFields('decodeAdapter', options, ['modules']);
  const names = moduleNames(dit, options.modules);
  const peft = parseJson(files, FILES.config);
  if (!peft) throw new AdapterFileError(FILES.config, 'is missing');
  const own = parseJson(files, FILES.own);
  const { adapter, group } = own
    ? fromOwn(own, dit)
    : { adapter: fromPeftConfig(peft, { dit, names }), group: undefined };
  if (own) checkAgreement(peft, adapter, { dit, names });
  const shapes = trainedShapes(adapter, dit);
  const layers = readTensors(files, FILES.tensors, shapes, (name) => fileKey(adapter.method, name, names));
  if (!group) return { adapter, layers };
  const rows = new Map([['rows', [group.classes.length, dit.hiddenSize]]]);
  const label = readTensors(files, FILES.label, rows, (key) => ({ key, transposed: false }));
  return { adapter, layers, group, labelRows: label.get('rows')! };
}

function parseJson(files: ReadonlyMap<string, Uint8Array>, file: string): Json | undefined {
  const bytes = files.get(file);
  if (!bytes) return undefined;
  if (bytes.length > MAX_JSON_BYTES) {
    throw new AdapterFileError(file, `expected at most ${MAX_JSON_BYTES} bytes, got ${bytes.length}`);
  }
  let value: unknown;
  let twice: string | undefined;
  let text = '';
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = JSON.parse(text);
    twice = duplicateKey(text);
  } catch (error) {
    const number = /[:,[]\s*-?(NaN|Infinity)\b/.exec(text)?.[1];
    const why = number ? `: it holds ${number}, which Python writes and JSON does not have` : '';
    throw new AdapterFileError(file, `is no JSON${why}`, { cause: error });
  }
  if (twice !== undefined) throw new AdapterFileError(file, `holds a key twice: ${shown(twice)}`);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AdapterFileError(file, `expected an object, got ${shown(value)}`);
  }
  return value as Json;
}

function fromOwn(own: Json, dit: DitConfig): { adapter: AdapterConfig; group: ClassGroup } {
  if (own.format !== 'learngene-adapter' || own.version !== VERSION) {
    const got = `${shown(own.format)} version ${shown(own.version)}`;
    throw new AdapterFileError(FILES.own, `expected learngene-adapter version ${VERSION}, got ${got}`);
  }
  const { adapter, group } = own;
  try {
    checkFields('the object', own, ['format', 'version', 'adapter', 'group', 'tensors']);
    if (typeof group === 'object' && group !== null) checkFields('group', group, ['name', 'classes']);
  } catch (error) {
    throw new AdapterFileError(FILES.own, (error as Error).message, { cause: error });
  }
  if (typeof adapter !== 'object' || adapter === null) {
    throw new AdapterFileError(FILES.own, `adapter: expected an object, got ${shown(adapter)}`);
  }
  try {
    return { adapter: adapterConfig(adapter as AdapterConfigInput, dit), group: checkedGroup(group) };
  } catch (error) {
    throw new AdapterFileError(FILES.own, (error as Error).message, { cause: error });
  }
}

/** One group alone may have any class ids: they are renumbered for the check. */
function checkedGroup(group: unknown): ClassGroup {
  const { name, classes } = (group ?? {}) as ClassGroup;
  const ids = Array.isArray(classes) ? classes : [];
  if (new Set(ids).size < ids.length) throw new Error('group: expected each class once');
  if (ids.some((id) => !Number.isSafeInteger(id) || id < 0)) throw new Error('group: expected class ids');
  checkGroups([{ name, classes: ids.map((_, i) => i) }]);
  return { name, classes: [...ids] };
}

/** The two files must tell of the same adapter: PEFT reads only one of them. */
function checkAgreement(peft: Json, adapter: AdapterConfig, target: PeftTarget): void {
  const expected = toPeftConfig(adapter, target);
  const fields = ['peft_type', 'r', 'lora_alpha', 'alpha', 'use_dora', 'use_rslora', 'init_lora_weights'];
  fields.push('oft_block_size', 'use_cayley_neumann', 'num_cayley_neumann_terms');
  for (const field of [...fields, 'target_modules', 'rank_pattern', 'alpha_pattern']) {
    if (JSON.stringify(expected[field]) !== JSON.stringify(peft[field])) {
      const problem = `${field}: expected ${shown(expected[field])} as in ${FILES.own}, got ${shown(peft[field])}`;
      throw new AdapterFileError(FILES.config, problem);
    }
  }
}

function readTensors(
  files: ReadonlyMap<string, Uint8Array>,
  file: string,
  shapes: ReadonlyMap<string, readonly number[]>,
  keyOf: (name: string) => { readonly key: string; readonly transposed: boolean },
): Map<string, TensorData> {
  const bytes = files.get(file);
  if (!bytes) throw new AdapterFileError(file, 'is missing');
  const stored = decode(file, bytes);
  const wanted = new Map([...shapes].map(([name, shape]) => [keyOf(name).key, { name, shape }]));
  for (const key of stored.keys()) {
    if (!wanted.has(key)) throw new AdapterFileError(file, `${shown(key)}: not a tensor of this adapter`);
  }
  const result = new Map<string, TensorData>();
  for (const [key, { name, shape }] of wanted) {
    const tensor = tensorAt(file, stored, key);
    if (!tensor) throw new AdapterFileError(file, `${key}: missing`);
    const { transposed } = keyOf(name);
    const expected = transposed ? [...shape].reverse() : shape;
    if (tensor.shape.length !== expected.length || expected.some((size, i) => size !== tensor.shape[i])) {
      const got = `[${tensor.shape.join(', ')}]`;
      throw new AdapterFileError(file, `${key}: expected [${expected.join(', ')}], got ${got}`);
    }
    const values = toFloat32(tensor);
    if (!values.every(Number.isFinite)) throw new AdapterFileError(file, `${key}: expected finite numbers`);
    const data = fromFloat32(values, [...expected], 'F32');
    result.set(name, transposed ? transposedData(data) : data);
  }
  return result;
}

function decode(file: string, bytes: Uint8Array): Map<string, TensorData> {
  return asAdapterError(file, () => decodeSafetensors(bytes, { name: file }).tensors);
}

/** A tensor by its key. A tensor of a dtype that is not read is an error only when it is asked for. */
function tensorAt(file: string, stored: ReadonlyMap<string, TensorData>, key: string): TensorData | undefined {
  return asAdapterError(file, () => stored.get(key));
}

function asAdapterError<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const message = (error as Error).message.replace(`${file}: `, '');
    throw new AdapterFileError(file, message, { cause: error });
  }
}

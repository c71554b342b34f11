import { flattenParams, groupByName, type ParamTree, paramsToTensorData } from '@learngene/nn';
import { encodeSafetensors, fromFloat32, type NamedTensors, toFloat32 } from '@learngene/tensor-io';
import { checkFinite, checkShapes } from '../check-shapes';
import { validateKindConfig } from '../config';
import { checkOptionNames } from '../option-names';
import { type AnyKindModel, type NetworkParams, tailorsOf } from '../params';
import { hashBase } from './base-hash';
import { LEARNGENES_FILE, MANIFEST_FILE, SHARED_FILE, tailorFiles } from './file-names';
import { type BundleFile, encodeManifest, parseMetadata } from './manifest';
import { sha256 } from './sha256';
import { learngeneShapes, sharedShapes, tailorShapes } from './shapes';
import { encodeTailorFile, tailorLabel } from './tailor-file';

/** Options of {@link decomposeKind} and {@link encodeTailors}. */
export interface DecomposeOptions {
  /**
   * What numbers are stored as (default 'float32'). 'float16' rounds them to 11 bits and halves the files; the base is then
   * that of the rounded numbers, and numbers above 65504 are refused.
   */
  readonly dtype?: 'float32' | 'float16';
}

/** The tensors as they are stored; throws on infinities and NaN. */
function stored(tensors: NamedTensors, dtype: 'float32' | 'float16'): NamedTensors {
  checkFinite(tensors);
  if (dtype === 'float32') return tensors;
  if (dtype !== 'float16') throw new Error(`dtype: expected float32 or float16, got ${JSON.stringify(dtype)}`);
  return new Map(
    [...tensors].map(([name, tensor]) => {
      const values = toFloat32(tensor);
      const large = values.find((value) => !(Math.abs(value) <= 65504));
      if (large !== undefined) throw new Error(`tensor ${name}: expected numbers of at most 65504, got ${large}`);
      return [name, fromFloat32(values, tensor.shape, 'F16')];
    }),
  );
}

/**
 * Takes a model apart into the files of a bundle: 'kind.json', 'learngenes.safetensors', 'shared.safetensors' and one
 * 'tailors/<name>.safetensors' for each group (KIND, arXiv 2408.07337). The same model gives the same bytes.
 *
 * @param model - f32 parameters, which are read back and not disposed; the tailors of all groups must be loaded.
 * @param metadata - strings to keep in kind.json. `images` says what outside of the config changes images, such as the
 *   diffusion process: it is a part of the base, so that tailors of another process are refused.
 * @returns Content by file name, kind.json first; the caller owns it. Rejects with a plain Error when the parameters do
 *   not fit the config, before anything is read back, and for an infinity or NaN among them, naming the tensor.
 */
export async function decomposeKind(
  model: AnyKindModel,
  metadata: Readonly<Record<string, string>> = {},
  options: DecomposeOptions = {},
): Promise<Map<string, Uint8Array>> {
  checkOptionNames('decomposeKind', options, ['dtype']);
  const { dtype = 'float32' } = options;
  const { config } = model;
  const params: NetworkParams = model.params;
  validateKindConfig(config);
  const kept = parseMetadata(metadata);
  const shared = sharedTree(params);
  checkShapes(flattenParams(shared), sharedShapes(config));
  const learngenes = flattenParams(params.learngenes);
  checkShapes(learngenes, learngeneShapes(config, learngenes));
  for (const group of config.groups) {
    const own = flattenParams(tailorsOf(params, group.name));
    checkShapes(own, tailorShapes(config, group, own));
  }

  const files = new Map<string, Uint8Array>([[MANIFEST_FILE, new Uint8Array()]]);
  const add = async (file: string, bytes: Uint8Array): Promise<BundleFile> => {
    files.set(file, bytes);
    return { file, bytes: bytes.length, sha256: await sha256(bytes) };
  };
  const common = {
    learngenes: stored(await paramsToTensorData(params.learngenes), dtype),
    shared: stored(await paramsToTensorData(shared), dtype),
  };
  const base = await hashBase({ config, ...common, images: kept.images });
  const entries = {
    learngenes: await add(LEARNGENES_FILE, encodeSafetensors(common.learngenes)),
    shared: await add(SHARED_FILE, encodeSafetensors(common.shared)),
  };
  const tailors: BundleFile[] = [];
  for (const [i, file] of tailorFiles(config.groups).entries()) {
    tailors.push(await add(file, await encodeTailors(model, config.groups[i].name, base, { dtype })));
  }
  return files.set(MANIFEST_FILE, await encodeManifest({ config, base, metadata: kept, ...entries, tailors }));
}

/**
 * The file of one group's tailors, as a bundle has it. It names the base that it fits and the classes, so it can be sent
 * alone; `addTailors` takes it into another bundle of that base.
 *
 * @param model - f32 parameters, which are read back and not disposed; the tailors of the group must be loaded.
 * @param group - name of the group.
 * @param base - hash of the base, see {@link baseHash}.
 * @throws Error for a group that is not there, for parameters that do not fit the config, and for an infinity or NaN among them
 */
export async function encodeTailors(
  model: AnyKindModel,
  group: string,
  base: string,
  options: DecomposeOptions = {},
): Promise<Uint8Array> {
  checkOptionNames('encodeTailors', options, ['dtype']);
  const { dtype = 'float32' } = options;
  const { config } = model;
  const params: NetworkParams = model.params;
  const own = groupByName(config.groups, group);
  const tree = tailorsOf(params, group);
  const flat = flattenParams(tree);
  checkShapes(flat, tailorShapes(config, own, flat));
  if (!/^[0-9a-f]{64}$/.test(base))
    throw new Error(`base: expected 64 hexadecimal digits, got ${JSON.stringify(base)}`);
  return encodeTailorFile(stored(await paramsToTensorData(tree), dtype), tailorLabel(own, base, config));
}

/**
 * The hash of a model's base, that is, of all that its tailors are made for: names, shapes and values of the learngenes and of
 * the shared part, what of the config changes numbers, and `metadata.images`. Tailors fit a bundle of the same hash alone.
 *
 * @param model - f32 parameters, which are read back and not disposed; no tailors are needed.
 * @param metadata - as for {@link decomposeKind}.
 * @returns SHA-256 as 64 lower-case hexadecimal digits.
 */
export async function baseHash(model: AnyKindModel, metadata: Readonly<Record<string, string>> = {}): Promise<string> {
  const { config } = model;
  const params: NetworkParams = model.params;
  const { images } = parseMetadata(metadata);
  const learngenes = await paramsToTensorData(params.learngenes);
  return hashBase({ config, learngenes, shared: await paramsToTensorData(sharedTree(params)), images });
}

/** What shared.safetensors holds: the dense parts and a soft gate. */
function sharedTree({ shared, gate }: NetworkParams): ParamTree {
  return gate ? { ...shared, gate } : shared;
}

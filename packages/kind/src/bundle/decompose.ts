import { flattenParams, type ParamTree, paramsToTensorData } from '@learngene/nn';
import { encodeSafetensors } from '@learngene/tensor-io';
import { checkShapes } from '../check-shapes';
import { validateKindConfig } from '../config';
import { type AnyKindModel, type NetworkParams, tailorsOf } from '../params';
import { LEARNGENES_FILE, MANIFEST_FILE, SHARED_FILE, tailorFiles } from './file-names';
import { type BundleFile, encodeManifest, parseMetadata } from './manifest';
import { sha256 } from './sha256';
import { learngeneShapes, sharedShapes, tailorShapes } from './shapes';

/**
 * Takes a model apart into the files of a bundle: 'kind.json', 'learngenes.safetensors', 'shared.safetensors' and one
 * 'tailors/<name>.safetensors' for each group (KIND, arXiv 2408.07337). The same model gives the same bytes.
 *
 * @param model - f32 parameters, which are read back and not disposed; the tailors of all groups must be loaded.
 * @param metadata - strings to keep in kind.json, for example the settings of the diffusion process.
 * @returns Content by file name, kind.json first; the caller owns it. Rejects with a plain Error when the parameters do
 *   not fit the config, before anything is read back.
 */
export async function decomposeKind(
  model: AnyKindModel,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Map<string, Uint8Array>> {
  const { config } = model;
  const params: NetworkParams = model.params;
  validateKindConfig(config);
  const kept = parseMetadata(metadata);
  const shared: ParamTree = params.gate ? { ...params.shared, gate: params.gate } : params.shared;
  checkShapes(flattenParams(shared), sharedShapes(config));
  const learngenes = flattenParams(params.learngenes);
  checkShapes(learngenes, learngeneShapes(config, learngenes));
  for (const group of config.groups) {
    const own = flattenParams(tailorsOf(params, group.name));
    checkShapes(own, tailorShapes(config, group, own));
  }

  const files = new Map<string, Uint8Array>([[MANIFEST_FILE, new Uint8Array()]]);
  const add = async (file: string, tree: ParamTree): Promise<BundleFile> => {
    const bytes = encodeSafetensors(await paramsToTensorData(tree));
    files.set(file, bytes);
    return { file, bytes: bytes.length, sha256: await sha256(bytes) };
  };
  const common = { learngenes: await add(LEARNGENES_FILE, params.learngenes), shared: await add(SHARED_FILE, shared) };
  const tailors: BundleFile[] = [];
  for (const [i, file] of tailorFiles(config.groups).entries()) {
    tailors.push(await add(file, tailorsOf(params, config.groups[i].name)));
  }
  return files.set(MANIFEST_FILE, encodeManifest({ config, metadata: kept, ...common, tailors }));
}

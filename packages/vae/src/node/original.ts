import type { NamedTensors, TensorData } from '@learngene/tensor-io';
import { readTensors } from '@learngene/tensor-io/node';
import { type VaeConfig, validateVaeConfig } from '../config';
import { checkObject, checkOptions, checkText } from '../core/arguments';
import { vaeFromLayout } from '../weights/checkpoint';
import { vaeHash } from '../weights/hash';
import type { VaeFolder } from './folder';

/** Where the original weights of an autoencoder lie: TAESD's two files, or one file of both parts. */
export type OriginalVaeFiles =
  | string
  | {
      /** Path of the encoder's weights. */
      readonly encoder: string;
      /** Path of the decoder's weights. */
      readonly decoder: string;
    };

/** Settings of {@link readOriginalVae}. */
export interface ReadOriginalVaeOptions {
  /** Key of the state dict in a checkpoint of one file, such as `state_dict` (default: the file is the state dict). */
  readonly key?: string;
}

/** Keys of the losses and the discriminator with which CompVis trains; a checkpoint has them beside the weights. */
const TRAINING_KEYS = /^loss\./;

/**
 * Reads an autoencoder's original weights, as their authors publish them: `.pth`, `.pt`, `.ckpt` or `.safetensors`, of
 * TAESD in two files or of CompVis's `AutoencoderKL` in one. Keys under `loss.` are left out.
 *
 * @param config - the network, which these files do not tell: `tinyVaeConfig('taef2')`.
 * @returns tensors in the 'learngene' layout, of the dtype in the files.
 * @throws where a file is missing or damaged, and as `vaeFromLayout`
 */
export async function readOriginalVae(
  files: OriginalVaeFiles,
  config: VaeConfig,
  options: ReadOriginalVaeOptions = {},
): Promise<VaeFolder> {
  checkFiles(files);
  validateVaeConfig(config);
  checkOptions(options, ['key']);
  const stored = typeof files === 'string' ? await readOne(files, options) : await readTwo(files, options);
  const tensors = vaeFromLayout(stored, config, 'original');
  return { config, tensors, hash: await vaeHash(tensors, config) };
}

function checkFiles(files: OriginalVaeFiles): void {
  if (typeof files === 'string') return;
  checkObject('files', files);
  for (const part of ['encoder', 'decoder'] as const) checkText(`files.${part}`, files[part]);
}

async function readOne(file: string, { key }: ReadOriginalVaeOptions): Promise<NamedTensors> {
  const tensors = await readTensors(file, key === undefined ? {} : { key });
  for (const name of tensors.keys()) if (TRAINING_KEYS.test(name)) tensors.delete(name);
  return tensors;
}

/** The tensors of TAESD's two files, with `encoder.` and `decoder.` before their names. */
export async function readTwo(
  files: Exclude<OriginalVaeFiles, string>,
  { key }: ReadOriginalVaeOptions = {},
): Promise<NamedTensors> {
  if (key !== undefined) throw new Error('key: expected one file, got two, whose keys are those of the layout');
  const result = new Map<string, TensorData>();
  for (const part of ['encoder', 'decoder'] as const) {
    for (const [name, tensor] of await readTensors(files[part])) result.set(`${part}.${name}`, tensor);
  }
  return result;
}

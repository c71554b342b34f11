import { decodeSafetensors } from '@learngene/tensor-io';
import {
  type Autoencoder,
  createAutoencoder,
  decodeVaeFiles,
  VAE_FILES,
  vaeParamsFromTensorData,
} from '@learngene/vae';

/** How {@link fetchEmojiVae} fetches. */
export interface FetchEmojiVaeOptions {
  /** An abort rejects the promise. */
  readonly signal?: AbortSignal;
}

/**
 * The autoencoder of the text of `weights/config.json` and the bytes of `weights/model.safetensors`.
 *
 * @returns Its parameters are float32 on the present backend; the caller disposes it.
 * @throws on files that do not fit each other, as `decodeVaeFiles`
 */
export function emojiVaeFromFiles(config: string, weights: Uint8Array): Autoencoder {
  const files = decodeVaeFiles(config, decodeSafetensors(weights).tensors);
  return createAutoencoder(vaeParamsFromTensorData(files.tensors, files.config), files.config);
}

/**
 * Fetches the autoencoder from where a site serves the folder `weights` of this package.
 *
 * @param base - the folder's address, with or without a slash at its end.
 * @returns Its parameters are float32 on the present backend; the caller disposes it.
 * @throws where a file is not served, naming its address, and as {@link emojiVaeFromFiles}
 */
export async function fetchEmojiVae(base: string | URL, options: FetchEmojiVaeOptions = {}): Promise<Autoencoder> {
  const folder = String(base).replace(/\/?$/, '/');
  const get = async (name: string): Promise<Response> => {
    const response = await fetch(`${folder}${name}`, options);
    if (!response.ok) throw new Error(`${folder}${name}: expected a file, got status ${response.status}`);
    return response;
  };
  const [config, weights] = await Promise.all([get(VAE_FILES.config), get(VAE_FILES.learngene)]);
  return emojiVaeFromFiles(await config.text(), new Uint8Array(await weights.arrayBuffer()));
}

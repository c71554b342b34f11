import { decodeSafetensors } from '@learngene/tensor-io';
import {
  type Autoencoder,
  createAutoencoder,
  decodeVaeFiles,
  VAE_FILES,
  vaeHash,
  vaeParamsFromTensorData,
} from '@learngene/vae';

/** The shipped autoencoder in memory: what `openPipeline` of `@learngene/pipeline` takes as `autoencoder`. */
export interface EmojiVae {
  /** What recipes and messages call it. */
  readonly name: 'emoji';
  /** SHA-256 of its weights and configuration, as `vaeHash` of `@learngene/vae` gives it. */
  readonly hash: string;
  /** Its encoder and decoder, with parameters in float32 on the present backend; the caller disposes it. */
  readonly autoencoder: Autoencoder;
}

/** How {@link fetchEmojiVae} fetches. */
export interface FetchEmojiVaeOptions {
  /** An abort rejects the promise. */
  readonly signal?: AbortSignal;
}

/**
 * The autoencoder of the text of `weights/config.json` and the bytes of `weights/model.safetensors`.
 *
 * @throws on files that do not fit each other, as `decodeVaeFiles`
 */
export async function emojiVaeFromFiles(config: string, weights: Uint8Array): Promise<EmojiVae> {
  const files = decodeVaeFiles(config, decodeSafetensors(weights).tensors);
  const hash = await vaeHash(files.tensors, files.config);
  const autoencoder = createAutoencoder(vaeParamsFromTensorData(files.tensors, files.config), files.config);
  return { name: 'emoji', hash, autoencoder };
}

/**
 * Fetches the autoencoder from where a site serves the folder `weights` of this package.
 *
 * @param base - the folder's address, with or without a slash at its end.
 * @throws where a file is not served, naming its address, and as {@link emojiVaeFromFiles}
 */
export async function fetchEmojiVae(base: string | URL, { signal }: FetchEmojiVaeOptions = {}): Promise<EmojiVae> {
  const folder = String(base).replace(/\/?$/, '/');
  const get = async (name: string): Promise<Response> => {
    const response = await fetch(`${folder}${name}`, { signal });
    if (!response.ok) throw new Error(`${folder}${name}: expected a file, got status ${response.status}`);
    return response;
  };
  const [config, weights] = await Promise.all([get(VAE_FILES.config), get(VAE_FILES.learngene)]);
  return emojiVaeFromFiles(await config.text(), new Uint8Array(await weights.arrayBuffer()));
}

import { type ByteSource, decodeSafetensors, httpSource, openSafetensors, type TensorData } from '@learngene/tensor-io';
import {
  type Autoencoder,
  createAutoencoder,
  createDecoder,
  decodeVaeFiles,
  parseVaeConfig,
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
  /**
   * `decoder` fetches by ranges what sampling needs, 1.9 of 2.9 MB; `encode` then throws (default: all). A server that does not
   * know ranges sends all.
   */
  readonly part?: 'decoder';
}

/** The hash of the autoencoder, and that of its decoder's tensors alone, both as `vaeHash` gives them. */
const HASHES = {
  all: '9f070b7189003d15aa23cfd142520c9313d4c118d11270eede12adc7cc3af4e5',
  decoder: '79b2024c15bd5ccfdc5e1db99d41f31d76ab78d46119cc584dd5f2878c57a257',
};

/** The most bytes of the weights. */
const MOST_BYTES = 3_000_000;

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
 * @throws where a file is not served, naming its address, for a decoder that is not that of this package, and as
 *   {@link emojiVaeFromFiles}
 */
export async function fetchEmojiVae(base: string | URL, options: FetchEmojiVaeOptions = {}): Promise<EmojiVae> {
  const { signal, part } = options;
  if (part !== undefined && part !== 'decoder') throw new Error(`part: expected 'decoder' or none, got '${part}'`);
  const folder = String(base).replace(/\/?$/, '/');
  const get = async (name: string): Promise<Response> => {
    const response = await fetch(`${folder}${name}`, { signal });
    if (!response.ok) throw new Error(`${folder}${name}: expected a file, got status ${response.status}`);
    return response;
  };
  if (part === 'decoder') {
    const text = await (await get(VAE_FILES.config)).text();
    const source = await httpSource(`${folder}${VAE_FILES.learngene}`, { signal, maxWholeBytes: MOST_BYTES });
    return decoderOf(text, await readDecoder(source));
  }
  const [config, weights] = await Promise.all([get(VAE_FILES.config), get(VAE_FILES.learngene)]);
  return emojiVaeFromFiles(await config.text(), new Uint8Array(await weights.arrayBuffer()));
}

/** The tensors of the decoder, which lie together, in one piece. */
async function readDecoder(source: ByteSource): Promise<Map<string, TensorData>> {
  let piece = { start: 0, bytes: new Uint8Array() };
  const read = async (offset: number, length: number) => {
    const at = offset - piece.start;
    const isInside = at >= 0 && at + length <= piece.bytes.length;
    return isInside ? piece.bytes.slice(at, at + length) : source.read(offset, length);
  };
  const file = await openSafetensors({ ...source, read });
  const names = file.names.filter((name) => name.startsWith('decoder.'));
  const places = names.map((name) => file.info(name));
  const start = Math.min(...places.map(({ byteOffset }) => byteOffset));
  const end = Math.max(...places.map(({ byteOffset, byteLength }) => byteOffset + byteLength));
  piece = { start, bytes: new Uint8Array(await source.read(start, end - start)) };
  const tensors = new Map<string, TensorData>();
  for (const name of names) tensors.set(name, await file.read(name));
  await file.close();
  return tensors;
}

/** The autoencoder without its encoder; its weights are told by the hash of the decoder. */
async function decoderOf(configText: string, tensors: ReadonlyMap<string, TensorData>): Promise<EmojiVae> {
  const { config } = parseVaeConfig(configText);
  const hash = await vaeHash(tensors, config);
  if (hash !== HASHES.decoder) {
    throw new Error(`weights: expected the decoder of this package (hash ${HASHES.decoder}), got ${hash}`);
  }
  return { name: 'emoji', hash: HASHES.all, autoencoder: createDecoder(tensors, config) };
}

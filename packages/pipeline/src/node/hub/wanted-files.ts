/** A file of a repository. */
export interface HubFile {
  /** Its name in the repository. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** What its content is checked by. */
  readonly hash: { readonly kind: 'sha256' | 'git'; readonly hex: string };
}

/** Folders of a pipeline of diffusers that are read. */
const PIPELINE_FOLDERS = ['transformer/', 'scheduler/', 'vae/'];
const PIPELINE_FILE = 'model_index.json';

/** Weights, in the order in which one is taken of several forms of the same. */
const WEIGHTS = ['.safetensors', '.bin', '.pt', '.pth', '.ckpt'];
const endingOf = (path: string) => WEIGHTS.find((ending) => path.endsWith(ending));

/** Whether a file is one of weights, by its name. */
export const isWeights = (path: string) => endingOf(path) !== undefined;

/** Whether a file says what model lies beside it. */
export const isModelJson = (path: string) => /(?:^|\/)(?:config|model_index|kind|adapter_config)\.json$/.test(path);

const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1);

/** The names of weights without a number of a shard, a variant (`.fp16`) and the ending: `diffusion_pytorch_model`. */
const plainStem = (path: string) => path.replace(/(?:-\d+-of-\d+)?(?:\.(?:fp16|bf16|fp32|non_ema))?\.\w+$/, '');
const isVariant = (path: string) => /\.(?:fp16|bf16|fp32|non_ema)(?:-\d+-of-\d+)?\.\w+(?:\.index\.json)?$/.test(path);

/**
 * The files of a folder of a repository that a model is read from: its JSON and its weights. Of a pipeline of diffusers these
 * are in the folders of its network, its scheduler and its autoencoder. Of weights in several forms it is one: safetensors
 * first, and no variant such as `.fp16` beside the plain ones.
 *
 * @param files - all files of the repository.
 * @param folder - ends with a slash, or is empty for the whole repository.
 */
export function modelFiles(files: readonly HubFile[], folder: string): HubFile[] {
  const below = files.filter(({ path }) => path.startsWith(folder));
  const isPipeline = below.some(({ path }) => path === folder + PIPELINE_FILE);
  const inModel = below.filter(({ path }) => {
    const name = path.slice(folder.length);
    return isPipeline
      ? name === PIPELINE_FILE || PIPELINE_FOLDERS.some((part) => name.startsWith(part))
      : !name.startsWith('.') && !name.includes('/.');
  });
  const weights = inModel.filter(({ path }) => isWeights(path));
  const json = inModel.filter(({ path }) => path.endsWith('.json') && !isVariant(path));
  return [...json, ...weights.filter((file) => isFirstForm(file, weights))];
}

/** Whether no better form of the same weights is there. */
function isFirstForm({ path }: HubFile, weights: readonly HubFile[]): boolean {
  const same = weights.filter(
    (other) => plainStem(other.path) === plainStem(path) && folderOf(other.path) === folderOf(path),
  );
  const rank = (other: string) => (isVariant(other) ? WEIGHTS.length : 0) + WEIGHTS.indexOf(endingOf(other)!);
  return same.every((other) => rank(other.path) >= rank(path));
}

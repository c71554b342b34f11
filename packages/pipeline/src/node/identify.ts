import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { ditLayout, ditPrefixes, type NamedShapes } from '@learngene/dit';
import { openNpz, type TensorFile, type TensorSummary } from '@learngene/tensor-io';
import {
  fileSource,
  isTorchPath,
  openSafetensorsFile,
  openTensorFile,
  openTorchFile,
  weightsAt,
} from '@learngene/tensor-io/node';
import { recogniseVae, type VaeWeightsDescription } from '@learngene/vae';
import { type TinyVaePair, tinyVaePair } from '@learngene/vae/node';
import { ConfigError } from '../errors';
import { isHubAddress } from './hub/address';
import { PEFT_FILES, readNote } from './peft-folder';
import { isRunFormat } from './run-format';

/** What lies at a path: one of the things that commands write. */
export interface Artifact {
  /** The kind of thing. */
  readonly kind:
    | 'run'
    | 'autoencoder-run'
    | 'bundle'
    | 'demo'
    | 'tailors' // of one group, in a file that names its base
    | 'adapter' // of PEFT, alone or with the model that it is for
    | 'dense' // a dense DiT: its file, or a folder of diffusers: of the network or a pipeline
    | 'classifier'
    | 'images' // packed arrays
    | 'latents' // of images, by an autoencoder
    | 'autoencoder'
    | 'statistics'
    | 'part' // of a run, a bundle or a benchmark
    | 'other';
  /** What it is, in words that can follow "is": `a bundle`. */
  readonly what: string;
  /** The folder of the autoencoder that it is, that it trains, or whose weights it is. */
  readonly autoencoder?: string;
}

/** The file of weights in a folder of diffusers. */
export const DIFFUSERS_FILE = 'diffusion_pytorch_model.safetensors';

async function readJson(path: string): Promise<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The command in the record of a run that trains an autoencoder. */
const AUTOENCODER_COMMAND = 'vae train';

/** Whether the config.json of a folder is a run's record. */
async function isRun(folder: string): Promise<boolean> {
  const { format, command } = await readJson(join(folder, 'config.json'));
  return isRunFormat(format) && ['train', 'transfer', AUTOENCODER_COMMAND].includes(command as string);
}

/** The run or the bundle that a folder is or belongs to. */
async function owner(folder: string): Promise<string | undefined> {
  for (let at = resolve(folder), up = 0; up < 3; at = dirname(at), up++) {
    if (existsSync(join(at, 'kind.json'))) return `the bundle ${at}`;
    if (await isRun(at)) return `the run ${at}`;
    if (!/^(autoencoder|checkpoints|samples|tailors|step-\d+)$/.test(basename(at))) return undefined;
  }
  return undefined;
}

/** A folder of `exportPeft`. */
function identifyExport(path: string): Artifact {
  const model = `the model of the learngenes is ${join(path, PEFT_FILES.model)}`;
  if (existsSync(join(path, PEFT_FILES.adapter))) return { kind: 'adapter', what: `an adapter of PEFT; ${model}` };
  return { kind: 'part', what: `an export without an adapter; ${model}` };
}

async function identifyFolder(path: string): Promise<Artifact> {
  const has = (name: string) => existsSync(join(path, name));
  if (has('kind.json')) return { kind: 'bundle', what: 'a bundle' };
  if (has('demo.json'))
    return { kind: 'demo', what: `a demo; its models are ${join(path, 'pretrain')} and ${join(path, 'transfer')}` };
  if (has('latents.json')) return { kind: 'latents', what: 'latents of images' };
  if (has('plan.json') && (has('bases') || has('cells')))
    return { kind: 'part', what: `a benchmark; its models are the folders in ${join(path, 'bases')}` };
  if (has('adapter_config.json')) return { kind: 'adapter', what: 'an adapter of PEFT' };
  if (readNote(path) !== undefined) return identifyExport(path);
  if (has('model_index.json')) {
    const { _class_name: name } = await readJson(join(path, 'model_index.json'));
    return name === 'DiTPipeline'
      ? { kind: 'dense', what: 'a DiTPipeline of diffusers' }
      : { kind: 'other', what: `a pipeline of diffusers that is no DiTPipeline (${String(name).slice(0, 80)})` };
  }
  if (has('config.json')) {
    const config = await readJson(join(path, 'config.json'));
    if (typeof config._class_name === 'string') {
      if (/^Autoencoder|Vae$/.test(config._class_name)) {
        return { kind: 'autoencoder', what: 'an autoencoder', autoencoder: path };
      }
      return [weightsAt(join(path, DIFFUSERS_FILE)), join(path, `${DIFFUSERS_FILE}.index.json`)].some(existsSync)
        ? { kind: 'dense', what: 'a dense DiT in a folder of diffusers' }
        : { kind: 'other', what: `a folder of diffusers without ${DIFFUSERS_FILE}` };
    }
    if (config.command === AUTOENCODER_COMMAND) {
      return {
        kind: 'autoencoder-run',
        what: `the run of an autoencoder; what it trained is ${join(path, 'autoencoder')}`,
        autoencoder: join(path, 'autoencoder'),
      };
    }
    if (has('checkpoints') || (await isRun(path))) return { kind: 'run', what: 'a run' };
  }
  if (has('state.json') && has('params.safetensors'))
    return { kind: 'part', what: `a checkpoint of ${(await owner(path)) ?? 'a run'}; give the run's folder` };
  const whole = await owner(path);
  if (whole !== undefined) return { kind: 'part', what: `a part of ${whole}` };
  return { kind: 'other', what: (await readdir(path)).length === 0 ? 'an empty folder' : 'a folder of none of these' };
}

function isDit(shapes: NamedShapes): string | undefined {
  try {
    return ditLayout(shapes);
  } catch {
    return undefined;
  }
}

/** The autoencoder, in words. */
export const VAE_WORDS = { kl: 'an AutoencoderKL', tiny: 'a tiny autoencoder' } as const;

/** The weights of an autoencoder: those of its folder, or a file without the configuration that says its scale. */
async function autoencoderWeights(path: string, vae: VaeWeightsDescription): Promise<Artifact> {
  const { type, layout, imageChannels, latentChannels } = vae;
  const folder = dirname(resolve(path));
  const isWhole = existsSync(join(folder, 'config.json')) && (await identifyFolder(folder)).kind === 'autoencoder';
  if (isWhole) {
    const what = `the weights of the autoencoder in ${folder}; give the folder`;
    return { kind: 'part', what, autoencoder: folder };
  }
  const channels = `${imageChannels} channels of an image, ${latentChannels} of a latent`;
  const what = `weights of ${VAE_WORDS[type]} without its config.json (${layout} keys; ${channels})`;
  return { kind: 'other', what };
}

async function identifyTensors(path: string): Promise<Artifact> {
  const file = await openSafetensorsFile(path);
  try {
    const { names, metadata } = file;
    if (names.includes('images') || names.includes('arr_0')) return { kind: 'images', what: 'packed images' };
    if (metadata.format === 'learngene-classifier-1') return { kind: 'classifier', what: 'a classifier of images' };
    const folder = dirname(resolve(path));
    const name = basename(path, '.safetensors');
    const whole = await owner(folder);
    if (existsSync(join(folder, 'state.json')) && ['params', 'ema', 'optimizer'].includes(name)) {
      return { kind: 'part', what: `${name} of a checkpoint of ${whole ?? 'a run'}` };
    }
    if (name === 'learngenes' || names.some((key) => /^blocks\.\d+\..*\.[usv]$/.test(key))) {
      const piece = name === 'learngenes' ? 'the learngenes' : 'the tailors of one group';
      const kind = metadata.format === 'learngene-tailor' ? 'tailors' : 'part';
      return { kind, what: `${piece} of ${whole ?? 'a bundle'}` };
    }
    if (name === 'shared' && whole !== undefined) return { kind: 'part', what: `the shared parts of ${whole}` };
    const shapes = new Map(names.map((key) => [key, file.info(key)]));
    const vae = recogniseVae(shapes);
    if (vae !== undefined) return autoencoderWeights(path, vae);
    const layout = isDit(shapes);
    if (layout !== undefined) return { kind: 'dense', what: `a dense DiT (${layout} keys)` };
    return { kind: 'other', what: 'tensors of none of these' };
  } finally {
    await file.close();
  }
}

/** A file of torch: the weights of a DiT, alone or in a checkpoint, or other tensors. */
async function identifyTorch(path: string): Promise<Artifact> {
  const file = await openTorchFile(path);
  try {
    const shapes = new Map(file.names.map((key) => [key, file.info(key)]));
    const vae = recogniseVae(shapes);
    if (vae !== undefined) return autoencoderWeights(path, vae);
    const prefixes = ditPrefixes(shapes);
    if (prefixes.length === 0) return { kind: 'other', what: 'tensors of torch, but no DiT' };
    const under = prefixes.filter((prefix) => prefix !== '').join(' and ');
    const where = under === '' ? '' : `, under ${under}`;
    return { kind: 'dense', what: `a dense DiT in a file of torch${where}` };
  } finally {
    await file.close();
  }
}

async function identifyArrays(path: string): Promise<Artifact> {
  const file = await openNpz(await fileSource(path));
  try {
    if (file.names.includes('arr_0') || file.names.includes('images')) return { kind: 'images', what: 'packed images' };
    if (file.names.includes('mu')) return { kind: 'statistics', what: 'statistics (mu, sigma)' };
    return { kind: 'other', what: 'arrays of none of these' };
  } finally {
    await file.close();
  }
}

/** Whether two files hold the encoder and the decoder of a tiny autoencoder, and not tensors of something else. */
async function isTinyVae(pair: TinyVaePair): Promise<boolean> {
  const shapes = new Map<string, TensorSummary>();
  for (const part of ['encoder', 'decoder'] as const) {
    const file = await openTensorFile(pair[part]).catch(() => undefined);
    for (const name of file?.names ?? []) shapes.set(`${part}.${name}`, (file as TensorFile).info(name));
    await file?.close();
  }
  return recogniseVae(shapes)?.type === 'tiny';
}

/** Files that are for people, or parts of a folder. */
const BY_ENDING: Readonly<Record<string, string>> = {
  '.png': 'a PNG image',
  '.html': 'a report',
  '.json': 'a JSON file',
  '.jsonl': 'the log of a run',
};

/**
 * Tells what lies at a path: by names in a folder, by the names of tensors in a file.
 *
 * @throws ConfigError where nothing is there; TensorFileError for a damaged file of tensors
 */
export async function identify(path: string): Promise<Artifact> {
  if (isHubAddress(path)) throw new ConfigError(`${path}: expected a path on this machine; modelPath fetches a model`);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new ConfigError(`${path}: no such file or folder`);
  const pair = await tinyVaePair(path).catch(() => undefined);
  if (pair !== undefined && (await isTinyVae(pair))) {
    return { kind: 'autoencoder', what: 'the two files of a tiny autoencoder', autoencoder: path };
  }
  if (found.isDirectory()) return identifyFolder(path);
  const ending = extname(path).toLowerCase();
  if (ending === '.safetensors') return identifyTensors(path);
  if (isTorchPath(path)) return identifyTorch(path);
  if (ending === '.npz') return identifyArrays(path);
  if (ending === '.npy') return { kind: 'images', what: 'one array' };
  const whole = await owner(dirname(resolve(path)));
  const what = BY_ENDING[ending] ?? 'a file of none of these';
  return { kind: 'other', what: whole === undefined ? what : `${what}, a part of ${whole}` };
}

/** Throws a ConfigError unless a file of tensors is at a path, which may be sharded: it is not looked into. */
export async function expectTensorFile(path: string, option: string): Promise<void> {
  const found = await stat(existsSync(path) ? path : `${path}.index.json`).catch(() => undefined);
  if (found === undefined) throw new ConfigError(`${option} ${path}: no such file`);
  if (found.isFile()) return;
  throw new ConfigError(`${option} ${path}: expected a file of tensors; this is ${(await identify(path)).what}`);
}

/** Throws a ConfigError unless what lies at a path is one of the kinds that an option takes. */
export async function expectArtifact(
  path: string,
  { option, kinds, expected }: { option: string; kinds: readonly Artifact['kind'][]; expected: string },
): Promise<Artifact> {
  const artifact = await identify(path);
  if (kinds.includes(artifact.kind)) return artifact;
  throw new ConfigError(`${option} ${path}: expected ${expected}; this is ${artifact.what}`);
}

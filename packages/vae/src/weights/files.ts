import { duplicateKey, fromFloat32, type NamedTensors, type TensorData, toFloat32 } from '@learngene/tensor-io';
import { type VaeConfig, validateVaeConfig } from '../config';
import { checkObject, checkOptions, checkTensors, checkText, shown } from '../core/arguments';
import { checkTinyLayout } from '../tiny/keys';
import { checkOwnTensors, vaeFromLayout, vaeToLayout } from './checkpoint';
import { vaeConfigFromDiffusers, vaeConfigToDiffusers } from './diffusers-config';
import { checkFinite } from './finite';

/** An autoencoder as files hold it. */
export interface VaeFiles {
  /** Plain JSON. */
  readonly config: VaeConfig;
  /** In the 'learngene' layout, of the dtype in the file. */
  readonly tensors: NamedTensors;
}

/** File names of an autoencoder's folder. */
export const VAE_FILES = {
  /** Configuration. */
  config: 'config.json',
  /** Weights in diffusers' layout. */
  diffusers: 'diffusion_pytorch_model.safetensors',
  /** Weights in our layout, of what diffusers cannot express. */
  learngene: 'model.safetensors',
} as const;

/** The class in the `config.json` of an autoencoder in our layout. */
const OWN_CLASS = 'LearngeneVae';
const FORMAT = 1;

/** Which of its layouts a folder has, by its `config.json`. */
export interface VaeFolderConfig {
  /** Plain JSON. */
  readonly config: VaeConfig;
  /** Layout of the weights. */
  readonly layout: 'diffusers' | 'learngene';
  /** Name of the file with the weights. */
  readonly weights: string;
}

/**
 * Reads the text of a `config.json`: diffusers' or ours.
 *
 * @throws on text that is no JSON, a key that stands twice, and as `vaeConfigFromDiffusers`
 */
export function parseVaeConfig(text: string): VaeFolderConfig {
  checkText('text', text);
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (cause) {
    throw new Error(`config.json: expected JSON, got ${shown(text)}`, { cause });
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw new Error(`config.json: expected every key once, got '${twice}' twice`);
  const { _class_name, format, ...fields } = (file ?? {}) as Record<string, unknown>;
  if (_class_name !== OWN_CLASS) {
    return { config: vaeConfigFromDiffusers(file), layout: 'diffusers', weights: VAE_FILES.diffusers };
  }
  if (format !== FORMAT) throw new Error(`config.json: expected format ${FORMAT}, got ${shown(format)}`);
  const config = fields as unknown as VaeConfig;
  validateVaeConfig(config);
  return { config, layout: 'learngene', weights: VAE_FILES.learngene };
}

/**
 * An autoencoder of the text of its `config.json` and the tensors of its weights file.
 *
 * @throws as {@link parseVaeConfig} and `vaeFromLayout`
 */
export function decodeVaeFiles(configText: string, tensors: NamedTensors): VaeFiles {
  checkText('configText', configText);
  checkTensors(tensors);
  const { config, layout } = parseVaeConfig(configText);
  if (layout === 'diffusers') return { config, tensors: vaeFromLayout(tensors, config, 'diffusers') };
  checkOwnTensors(tensors, config);
  return { config, tensors };
}

/** Settings of {@link encodeVaeFiles}. */
export interface EncodeVaeOptions {
  /** Dtype of the weights in the file (default: as they are). F16 halves the file of F32. */
  readonly dtype?: 'F32' | 'F16' | 'BF16';
}

/** The files of an autoencoder's folder. */
export interface EncodedVae {
  /** Text of `config.json`. */
  readonly config: string;
  /** Name of the weights file. */
  readonly weights: string;
  /** Its tensors. */
  readonly tensors: Map<string, TensorData>;
}

/**
 * The files of an autoencoder: in diffusers' layout where diffusers has such a network, else in ours.
 *
 * @throws on tensors that do not fit the config, and on numbers that the dtype cannot hold, naming the tensor
 */
export function encodeVaeFiles(files: VaeFiles, options: EncodeVaeOptions = {}): EncodedVae {
  checkObject('files', files);
  checkOptions(options, ['dtype']);
  const { config, tensors } = files;
  checkTensors(tensors);
  validateVaeConfig(config);
  checkOwnTensors(tensors, config);
  const { dtype } = options;
  const stored = new Map([...tensors].map(([name, tensor]) => [name, dtype ? withDtype(name, tensor, dtype) : tensor]));
  if (!inDiffusers(config)) {
    const text = { _class_name: OWN_CLASS, format: FORMAT, ...config };
    return { config: `${JSON.stringify(text, null, 2)}\n`, weights: VAE_FILES.learngene, tensors: stored };
  }
  return {
    config: `${JSON.stringify(vaeConfigToDiffusers(config), null, 2)}\n`,
    weights: VAE_FILES.diffusers,
    tensors: vaeToLayout(stored, config, 'diffusers'),
  };
}

function withDtype(name: string, tensor: TensorData, dtype: 'F32' | 'F16' | 'BF16'): TensorData {
  if (tensor.dtype === dtype) return tensor;
  const result = fromFloat32(toFloat32(tensor), tensor.shape, dtype);
  checkFinite(name, result);
  return result;
}

/** Whether diffusers has such a network. */
function inDiffusers(config: VaeConfig): boolean {
  if (config.type === 'kl') return true;
  try {
    checkTinyLayout(config, 'diffusers');
    return true;
  } catch {
    return false;
  }
}

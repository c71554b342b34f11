import { type ParamTree, paramsFromTensorData } from '@learngene/nn';
import type { NamedTensors, TensorData } from '@learngene/tensor-io';
import { type VaeConfig, validateVaeConfig } from '../config';
import { checkTensors, shown } from '../core/arguments';
import { layerShapes } from '../core/layers';
import { vaeLayers } from '../init';
import { currentKlKey } from '../kl/keys';
import type { VaeParams } from '../params';
import { checkFinite } from './finite';
import { layoutEntries, type VaeLayout } from './layouts';
import { filterFromTorch, filterToTorch } from './transpose';

const LAYOUTS: readonly VaeLayout[] = ['learngene', 'diffusers', 'original'];

function checkLayout(layout: VaeLayout): void {
  if (!LAYOUTS.includes(layout)) throw new Error(`layout: expected one of ${LAYOUTS.join(', ')}, got ${shown(layout)}`);
}

/** Key and shape of every tensor of a checkpoint, in the order of the layers. */
export function vaeTensorShapes(config: VaeConfig, layout: VaeLayout): Map<string, readonly number[]> {
  validateVaeConfig(config);
  checkLayout(layout);
  if (layout === 'learngene') return layerShapes(vaeLayers(config));
  return new Map(layoutEntries(config, layout).map(({ key, shapes }) => [key, shapes[0]]));
}

/**
 * Our tensors of a checkpoint in a foreign layout, bit for bit; convolutions become [kernel, kernel, in, out].
 *
 * In the diffusers layout the attention of an AutoencoderKL may have the names of older versions (`query`, `key`, `value`,
 * `proj_attn`), and its weights may be 1x1 convolutions.
 *
 * @param tensors - of a floating dtype.
 * @returns Tensors in the 'learngene' layout: new arrays for convolutions, views of the given data for the rest.
 * @throws on a missing, an unexpected and a doubled key, on a wrong shape, on whole numbers, infinities and NaN, naming the key
 */
export function vaeFromLayout(
  tensors: NamedTensors,
  config: VaeConfig,
  layout: Exclude<VaeLayout, 'learngene'>,
): Map<string, TensorData> {
  checkTensors(tensors);
  validateVaeConfig(config);
  checkLayout(layout);
  const entries = layoutEntries(config, layout);
  const renamed = layout === 'diffusers' && config.type === 'kl' ? renameKeys(tensors, currentKlKey) : tensors;
  checkKeys(renamed, new Set(entries.map(({ key }) => key)), layout);
  return new Map(
    entries.map(({ key, name, shapes, kind }) => {
      const tensor = tensorAt(renamed, key, shapes);
      if (kind === 'convolution') return [name, filterFromTorch(tensor)];
      if (kind === 'matrix') return [name, { ...tensor, shape: tensor.shape.slice(0, 2) }];
      return [name, tensor];
    }),
  );
}

/**
 * A checkpoint in a foreign layout of our tensors, bit for bit; undoes {@link vaeFromLayout}.
 *
 * @param tensors - in the 'learngene' layout.
 * @throws where the layout cannot express the config, and as {@link vaeFromLayout}
 */
export function vaeToLayout(
  tensors: NamedTensors,
  config: VaeConfig,
  layout: Exclude<VaeLayout, 'learngene'>,
): Map<string, TensorData> {
  checkTensors(tensors);
  validateVaeConfig(config);
  checkLayout(layout);
  const own = layerShapes(vaeLayers(config));
  checkKeys(tensors, new Set(own.keys()), 'learngene');
  return new Map(
    layoutEntries(config, layout).map(({ key, name, shapes, kind }) => {
      const tensor = tensorAt(tensors, name, [own.get(name)!]);
      if (kind === 'convolution') return [key, filterToTorch(tensor)];
      return [key, { ...tensor, shape: shapes[0] } as TensorData];
    }),
  );
}

/**
 * Parameters of tensors in our layout.
 *
 * @param tensors - of a floating dtype, in the 'learngene' layout.
 * @returns f32 parameters owned by the caller.
 * @throws on a missing or unexpected name, on a wrong shape, on whole numbers, infinities and NaN, naming the tensor
 */
export function vaeParamsFromTensorData(tensors: NamedTensors, config: VaeConfig): VaeParams {
  checkTensors(tensors);
  validateVaeConfig(config);
  const tree: ParamTree = paramsFromTensorData(checkOwnTensors(tensors, config));
  return tree as VaeParams;
}

/**
 * The tensors of a config in our layout, in the order of the layers; throws as {@link vaeParamsFromTensorData}.
 *
 * @param isWanted - tells by its name whether a tensor has to be there (default: all have).
 */
export function checkOwnTensors(
  tensors: NamedTensors,
  config: VaeConfig,
  isWanted: (name: string) => boolean = () => true,
): Map<string, TensorData> {
  const shapes = new Map([...layerShapes(vaeLayers(config))].filter(([name]) => isWanted(name)));
  checkKeys(tensors, new Set(shapes.keys()), 'learngene');
  return new Map([...shapes].map(([name, shape]) => [name, tensorAt(tensors, name, [shape])]));
}

function renameKeys(tensors: NamedTensors, rename: (key: string) => string): Map<string, TensorData> {
  const result = new Map<string, TensorData>();
  for (const [key, tensor] of tensors) {
    const name = rename(key);
    if (result.has(name)) throw new Error(`${key}: expected one tensor for ${name}, got two`);
    result.set(name, tensor);
  }
  return result;
}

function checkKeys(tensors: NamedTensors, expected: ReadonlySet<string>, layout: VaeLayout): void {
  for (const key of tensors.keys()) {
    if (!expected.has(key)) throw new Error(`tensors: expected the ${layout} layout of this config, got key '${key}'`);
  }
}

function tensorAt(tensors: NamedTensors, key: string, shapes: readonly (readonly number[])[]): TensorData {
  const expected = `[${shapes[0].join(', ')}]`;
  const tensor = tensors.get(key);
  if (!tensor) throw new Error(`${key}: expected ${expected}, got no such tensor`);
  if (!shapes.some((shape) => shape.join() === tensor.shape.join())) {
    throw new Error(`${key}: expected ${expected}, got [${tensor.shape.join(', ')}]`);
  }
  checkFinite(key, tensor);
  return tensor;
}

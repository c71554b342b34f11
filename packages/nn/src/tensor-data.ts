import { type NamedTensors, type TensorData, toFloat32 } from '@learngene/tensor-io';
import * as tf from '@tensorflow/tfjs-core';
import { flattenParams, mapParams, type ParamTree, unflattenParams } from './tree';

/**
 * Reads every leaf back from the backend, for a file.
 *
 * @param tree Leaves of dtype float32.
 * @returns float32 tensor data by dotted name, in insertion order; the arrays are copies.
 */
export async function paramsToTensorData(tree: ParamTree): Promise<Map<string, TensorData>> {
  const named = new Map<string, TensorData>();
  for (const [name, tensor] of flattenParams(tree)) {
    if (tensor.dtype !== 'float32') throw new Error(`params: ${name}: expected float32, got ${tensor.dtype}`);
    const data = (await tensor.data()) as Float32Array;
    named.set(name, { dtype: 'F32', shape: [...tensor.shape], data: data.slice() });
  }
  return named;
}

/**
 * Tensors of named data; every dtype becomes float32.
 *
 * @returns A tree that the caller owns.
 */
export function paramsFromTensorData(tensors: NamedTensors): ParamTree {
  return unflattenParams(
    new Map([...tensors].map(([name, data]) => [name, tf.tensor(toFloat32(data).slice(), [...data.shape], 'float32')])),
  );
}

/**
 * Tensors of named data in the structure of `template`, whose names and shapes they must have exactly. The template's
 * values are not read.
 *
 * @returns A tree of the template's type that the caller owns.
 * @throws Error that names what is missing, what is not known and which shapes differ; nothing is allocated then.
 */
export function paramsLike<T extends ParamTree>(template: T, tensors: NamedTensors): T {
  const wanted = flattenParams(template);
  const problems: string[] = [];
  for (const [name, tensor] of wanted) {
    const data = tensors.get(name);
    if (!data) problems.push(`${name}: missing`);
    else if (!tf.util.arraysEqual([...data.shape], tensor.shape)) {
      problems.push(`${name}: expected [${tensor.shape.join(', ')}], got [${data.shape.join(', ')}]`);
    }
  }
  for (const name of tensors.keys()) if (!wanted.has(name)) problems.push(`${name}: not a parameter of this model`);
  if (problems.length > 0) {
    const shown = problems.slice(0, 8).join('; ');
    throw new Error(`params: ${shown}${problems.length > 8 ? `; and ${problems.length - 8} more` : ''}`);
  }
  return mapParams((tensor, name) => {
    const data = tensors.get(name) as TensorData;
    return tf.tensor(toFloat32(data).slice(), tensor.shape, 'float32');
  }, template);
}

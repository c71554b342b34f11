import * as tf from '@tensorflow/tfjs-core';
import { chooseFrom } from '../choose';
import { cpu } from '../cpu';
import { type EngineReport, type MeasureOptions, measureEngine } from '../measure';
import type { ChosenEngine, Engine, LoadOptions, NodeEngineName } from '../types';
import { native } from './native';
import { tfjsNode, tfjsNodeGpu } from './tensorflow';
import { wasm } from './wasm';
import { webgpu } from './webgpu';

/** The engines of Node, in the order that `auto` prefers; webgpu counts only on a real graphics processor. */
export const NODE_ENGINES: readonly Engine<NodeEngineName>[] = [tfjsNodeGpu, webgpu, native, tfjsNode, wasm, cpu];

/**
 * Loads and selects the tfjs backend of an engine of Node, and tells which one and why. Prints nothing: tfjs is put
 * into production mode, because otherwise it recommends its other backends on stderr.
 *
 * @throws EngineError for an engine that cannot be used here, with the reason and the remedy
 */
export async function chooseEngine(
  name: NodeEngineName | 'auto' = 'auto',
  options: Pick<LoadOptions, 'threads'> = {},
): Promise<ChosenEngine<NodeEngineName>> {
  tf.enableProdMode();
  return chooseFrom(NODE_ENGINES, name, options);
}

/**
 * Loads an engine of Node and measures its matrix products; one that cannot be used is reported with the reason and the
 * remedy. Prints nothing. Selects the engine's backend.
 *
 * @throws RangeError for an unknown name
 */
export async function examineEngine(
  name: NodeEngineName,
  options: MeasureOptions = {},
): Promise<EngineReport<NodeEngineName>> {
  const engine = NODE_ENGINES.find((candidate) => candidate.name === name);
  if (engine === undefined) throw new RangeError(`name: expected the name of an engine, got ${name}`);
  tf.enableProdMode();
  return measureEngine(engine, options);
}

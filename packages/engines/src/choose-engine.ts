import * as tf from '@tensorflow/tfjs-core';
import { cpu } from './cpu';
import { EngineError } from './errors';
import { native } from './native';
import { tfjsNode, tfjsNodeGpu } from './tensorflow';
import type { Engine, EngineLoad, EngineName } from './types';
import { wasm } from './wasm';
import { webgpu } from './webgpu';

/** In the order that `auto` prefers; webgpu counts only on a real graphics processor. */
export const engines: readonly Engine[] = [tfjsNodeGpu, webgpu, native, tfjsNode, wasm, cpu];

/** The engine that was chosen. */
export interface ChosenEngine {
  /** Its name. */
  name: EngineName;
  /** What it runs on. */
  detail: string;
  /** Why it was chosen. */
  why: string;
}

// Quiet: tfjs would praise its other backends on stderr.
tf.enableProdMode();

async function select(engine: Engine, load: EngineLoad & { ok: true }, why: string): Promise<ChosenEngine> {
  if (!(await tf.setBackend(load.backend))) throw new Error(`engine ${engine.name}: its backend could not be started`);
  await tf.ready();
  engine.selected?.();
  return { name: engine.name, detail: load.detail, why };
}

/** An engine's file that was asked for by name must not be passed over. */
function refuseForced(name: EngineName, { reason, remedy }: EngineLoad & { ok: false }): void {
  if (name !== 'native' || !process.env.LEARNGENE_NATIVE_PATH) return;
  throw new EngineError(`LEARNGENE_NATIVE_PATH: ${reason}. Remedy: ${remedy}`);
}

async function selectAutomatically(): Promise<ChosenEngine> {
  const passed: string[] = [];
  for (const engine of engines) {
    const load = await engine.load();
    if (!load.ok) {
      refuseForced(engine.name, load);
      passed.push(`${engine.name}: ${load.reason}`);
    } else if (engine.name === 'webgpu' && !load.accelerated) {
      passed.push(`webgpu: ${load.detail}`);
    } else {
      return select(engine, load, passed.length === 0 ? 'first choice' : `passed over ${passed.join('; ')}`);
    }
  }
  throw new Error(`no engine could be loaded (${passed.join('; ')})`);
}

/**
 * Loads and selects the tfjs backend of an engine, and says which and why. Prints nothing.
 *
 * @throws EngineError for an engine that cannot be used here, with the reason and the remedy
 */
export async function chooseEngine(name: EngineName | 'auto'): Promise<ChosenEngine> {
  let chosen: ChosenEngine;
  if (name === 'auto') {
    chosen = await selectAutomatically();
  } else {
    const engine = engines.find((candidate) => candidate.name === name);
    if (engine === undefined) throw new EngineError(`--engine: unknown engine ${name}`);
    const load = await engine.load();
    if (!load.ok) throw new EngineError(`--engine ${name}: ${load.reason}. Remedy: ${load.remedy}`);
    chosen = await select(engine, load, 'asked for');
  }
  return chosen;
}

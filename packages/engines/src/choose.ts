import * as tf from '@tensorflow/tfjs-core';
import { checkOptions } from './check';
import { EngineError } from './errors';
import type { ChosenEngine, Engine, EngineLoad, EngineName, LoadedEngine, LoadOptions } from './types';

/**
 * Loads one of the engines of a list, selects its tfjs backend, and tells which one and why. Prints nothing.
 *
 * @param engines The list, in the order in which `auto` prefers them.
 * @param name An engine of the list, or `auto` for the first that loads. An engine for accelerators counts only where
 *   there is one.
 * @throws EngineError for an engine that cannot be used here, with the reason and the remedy
 * @throws RangeError for an unknown option
 */
export async function chooseFrom<Name extends EngineName>(
  engines: readonly Engine<Name>[],
  name: Name | 'auto',
  options: LoadOptions = {},
): Promise<ChosenEngine<Name>> {
  checkOptions(options, ['wasmPaths', 'threads']);
  if (options.threads !== undefined && name !== 'wasm' && name !== 'auto') {
    throw new RangeError(`options.threads: only the engine wasm takes it, the engine here is ${name}`);
  }
  if (name === 'auto') return chooseFirst(engines, options);
  const engine = engines.find((candidate) => candidate.name === name);
  if (engine === undefined) {
    throw new EngineError(`expected auto or one of ${engines.map((each) => each.name).join(', ')}, got ${name}`);
  }
  const load = await engine.load(options);
  if (!load.ok) throw new EngineError(load.reason, { engine: name, remedy: load.remedy });
  if (!(await select(engine, load))) {
    throw new EngineError('its backend could not be started', { engine: name, remedy: 'choose another engine' });
  }
  return { name, detail: load.detail, why: 'asked for' };
}

async function chooseFirst<Name extends EngineName>(
  engines: readonly Engine<Name>[],
  options: LoadOptions,
): Promise<ChosenEngine<Name>> {
  const passed: string[] = [];
  for (const engine of engines) {
    const load = await engine.load(options);
    const reason = await takeUnless(engine, load);
    if (reason === undefined && load.ok) {
      const why = passed.length === 0 ? 'first choice' : `passed over ${passed.join('; ')}`;
      return { name: engine.name, detail: load.detail, why };
    }
    passed.push(`${engine.name}: ${reason}`);
  }
  throw new EngineError(`no engine could be loaded (${passed.join('; ')})`);
}

/** Selects an engine, or says why it is passed over. */
async function takeUnless(engine: Engine, load: EngineLoad): Promise<string | undefined> {
  if (!load.ok) {
    const demand = engine.demandedBy?.();
    if (demand !== undefined) throw new EngineError(`${demand}: ${load.reason}`, { remedy: load.remedy });
    return load.reason;
  }
  if (engine.acceleratorOnly && !load.accelerated) return load.detail;
  return (await select(engine, load)) ? undefined : 'its backend could not be started';
}

async function select(engine: Engine, load: LoadedEngine): Promise<boolean> {
  if (!(await tf.setBackend(load.backend))) return false;
  await tf.ready();
  engine.selected?.();
  return true;
}

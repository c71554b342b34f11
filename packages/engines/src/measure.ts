import * as tf from '@tensorflow/tfjs-core';
import { checkOptions } from './check';
import { productRate } from './product-rate';
import type { Engine, EngineName } from './types';

/** Whether an engine works here, and how fast. */
export interface EngineReport<Name extends EngineName = EngineName> {
  /** Its name. */
  name: Name;
  /** Whether it can be used. */
  loads: boolean;
  /** What it runs on, or why it cannot be used. */
  detail: string;
  /** What to do to use it. */
  remedy?: string;
  /** Speed of square matrix products in float32, in GFLOP/s. */
  gemmGflops?: number;
}

/** The options of {@link measureEngine}. */
export interface MeasureOptions {
  /** Called before about a second of measuring, for an engine that loads. */
  onMeasure?: () => void;
  /** How long to measure, in ms (default 1000). */
  milliseconds?: number;
}

/**
 * Loads an engine, selects its backend, and measures its matrix products. Prints nothing. A failure of the engine is in
 * the report and does not throw.
 */
export async function measureEngine<Name extends EngineName>(
  engine: Engine<Name>,
  options: MeasureOptions = {},
): Promise<EngineReport<Name>> {
  checkOptions(options, ['onMeasure', 'milliseconds']);
  const { onMeasure, milliseconds } = options;
  const { name } = engine;
  try {
    const load = await engine.load();
    if (!load.ok) return { name, loads: false, detail: load.reason, remedy: load.remedy };
    onMeasure?.();
    if (!(await tf.setBackend(load.backend))) return { name, loads: false, detail: 'its backend could not be started' };
    await tf.ready();
    return { name, loads: true, detail: load.detail, gemmGflops: await productRate(milliseconds) };
  } catch (error) {
    return { name, loads: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

import type { DitConfig } from '@learngene/dit';
import type { Config } from '../config/schema';
import type { Progress } from '../progress';
import { classNamesOf } from '../recipe/class-names';
import type { DiffusionModel } from '../sample/guided-denoiser';
import { describeDense, loadDense } from './dense-model';
import { expectArtifact } from './identify';
import { describeModel, loadModel, modelFolder } from './load-model';

/** What images are drawn from, before any weights are read. */
export interface Drawable {
  /** The folder or file of the model itself. */
  path: string;
  /** Names of all its classes. */
  names: readonly string[];
  dit: DitConfig;
  /** The configuration of the run that trained it. */
  config: Config;
  /** Reads the weights; the caller disposes them. Needs an engine. */
  load(): Promise<DiffusionModel>;
}

/**
 * Reads what a run, a bundle, a demo or a dense model is, and no weights.
 *
 * @throws ConfigError that says what else lies at the path
 */
export async function describeDrawable(path: string, output: Progress): Promise<Drawable> {
  const { kind } = await expectArtifact(path, {
    option: '--from',
    kinds: ['run', 'bundle', 'demo', 'dense'],
    expected: 'a run, a bundle, a demo or a dense model',
  });
  if (kind !== 'dense') {
    const folder = await modelFolder(path, output);
    const { model, config } = await describeModel(folder);
    const load = async () => (await loadModel(folder)).model;
    return { path: folder, names: classNamesOf(model), dit: model.dit, config, load };
  }
  const dense = await describeDense(path);
  const { config, classes, dit } = dense;
  if (config.model.nullGate === 'learngenes' && config.sampling.guidance !== 1) {
    output.info(
      `${path}: without a label a dense model still has its class's tailors, so guidance differs from that of the bundle`,
    );
  }
  return { path, names: classes, dit, config, load: async () => ({ config: dit, params: await loadDense(dense) }) };
}

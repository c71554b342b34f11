import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ditConfig } from '@learngene/dit';
import { applyKind, type KindModel, type KindParams, kindConfig } from '@learngene/kind';
import { saveBundle } from '@learngene/kind/node';
import { paramsFromTensorData } from '@learngene/nn';
import { type TensorData, toFloat32 } from '@learngene/tensor-io';
import { readSafetensors } from '@learngene/tensor-io/node';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll } from 'vitest';
import { parseConfig } from '../src/config/load';
import { errorLine } from '../src/error-line';
import { type ExportPeftOptions, exportPeft } from '../src/node/bundle/export-peft';
import { loadModel } from '../src/node/load-model';
import { noProgress } from '../src/progress';
import { bundleMetadata } from '../src/recipe/recipe';

/** Learngenes, tailors, and what diffusers and PEFT compute of them: see tools/fixtures/make_pipeline_peft.py. */
export const PEFT_FIXTURES = fileURLToPath(new URL('../fixtures/peft', import.meta.url));
export const TRANSFORMER = join(PEFT_FIXTURES, 'transformer');
export const trained = (name: string) => join(PEFT_FIXTURES, 'trained', name);
export const needEngine = async () => undefined;
export const json = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'));
/** What a call says that fails. */
export const refusal = (work: Promise<unknown>) => work.then(() => 'nothing', errorLine);

/** How images are drawn from the fixture's model. */
export const RECIPE = parseConfig(
  {
    data: { size: 4 },
    diffusion: {
      process: 'gaussian',
      schedule: 'linear',
      timesteps: 1000,
      prediction: 'epsilon',
      variance: 'fixed-small',
    },
    sampling: { sampler: 'ddim', steps: 5, guidance: 3, clip: false, spacing: 'leading' },
  },
  'the test',
);

/** The fixture's model and a bundle of it, read before the tests of a file. */
export function usePeftFixture() {
  const work = temporaryFolder('peft');
  const bundle = join(work, 'bundle');
  let reference: ReadonlyMap<string, TensorData>;
  let model: KindModel;
  let count = 0;

  beforeAll(async () => {
    await useTestBackend();
    reference = (await readSafetensors(join(PEFT_FIXTURES, 'reference.safetensors'))).tensors;
    const { tensors, metadata } = await readSafetensors(join(PEFT_FIXTURES, 'kind.safetensors'));
    const { dit, ...ranks } = JSON.parse(metadata.config);
    const groups = ['owl', 'cat'].map((name, id) => ({ name, classes: [id], classNames: [name] }));
    const params = paramsFromTensorData(tensors) as unknown as KindParams;
    model = { config: kindConfig({ dit: ditConfig(dit), ...ranks, groups }), params };
    await saveBundle(bundle, model, { metadata: bundleMetadata(RECIPE) });
  });

  /** A path that nothing is at yet. */
  const fresh = (name: string) => join(work, `${name}-${count++}`);

  /** A tensor of the reference; the caller owns it. */
  const values = (name: string): tf.Tensor => {
    const { shape } = reference.get(name)!;
    return tf.tensor(toFloat32(reference.get(name)!).slice(), [...shape]);
  };

  /** The output of a model for the inputs of the fixture. */
  const output = ({ config, params }: KindModel, labels: readonly number[]): tf.Tensor => {
    const inputs = { x: values('x') as tf.Tensor4D, t: values('t') as tf.Tensor1D, labels: Int32Array.from(labels) };
    return applyKind(params, inputs, { config });
  };

  /** The output of a class of a bundle. */
  const outputOf = async (folder: string, name: string): Promise<tf.Tensor> => {
    const loaded = (await loadModel(folder, [name])).model;
    const [id] = loaded.config.groups.find((group) => group.name === name)!.classes;
    return output(loaded, [id, id, id]);
  };

  /** Exports classes; the folder, what was told, and the warnings. */
  const exported = async (classes: readonly string[], options: Partial<ExportPeftOptions> & { from?: string } = {}) => {
    const out = fresh('export');
    const warnings: string[] = [];
    const progress = { ...noProgress, warn: (text: string) => void warnings.push(text) };
    const { from = bundle, ...more } = options;
    const told = await exportPeft(from, out, { classes, needEngine, progress, ...more });
    return { out, told, warnings };
  };

  /** A copy of the bundle, so that a test may change it. */
  const bundleCopy = (): string => {
    const copy = fresh('bundle');
    cpSync(bundle, copy, { recursive: true });
    return copy;
  };

  /** A bundle of the cat alone, of the same base. */
  const onlyCat = async (): Promise<string> => {
    const folder = fresh('cat');
    const { config, params } = model;
    const groups = [{ ...config.groups[1], classes: [0] }];
    const dit = { ...config.dit, classes: 1 };
    await saveBundle(folder, { config: { ...config, dit, groups }, params }, { metadata: bundleMetadata(RECIPE) });
    return folder;
  };

  return { bundle, model: () => model, fresh, values, output, outputOf, exported, bundleCopy, onlyCat };
}

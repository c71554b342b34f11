import { type FilledAutoencoder, filledAutoencoder } from '../plan/autoencoders';
import type { BenchmarkPlan } from '../plan/benchmark-plan';
import type { DatasetInput, EvaluatorInput, LatentsInput } from './job';
import { classifierKey, dataKey, latentsKey } from './keys';

/** All classes of a dataset that some of the plan's tasks use, sorted by name. */
function usedClasses({ tasks }: BenchmarkPlan, dataset: string, isWanted: (task: string) => boolean): string[] {
  const wanted = Object.entries(tasks).filter(([key]) => isWanted(key));
  const used = wanted.flatMap(([, task]) => [
    ...(task.dataset === dataset ? [...task.tuning, ...task.novel] : []),
    ...((task.pretrainingDataset ?? task.dataset) === dataset ? task.pretraining : []),
  ]);
  return [...new Set(used)].sort();
}

/** The latents of the classes of a dataset that tasks with an autoencoder use. */
function latentsInput(plan: BenchmarkPlan, dataset: string, autoencoder: FilledAutoencoder): LatentsInput {
  const { hash } = autoencoder;
  const classes = usedClasses(plan, dataset, (key) => filledAutoencoder(key, plan.tasks[key])?.hash === hash);
  return { key: latentsKey(plan, dataset, { classes, hash }), autoencoder, classes };
}

/** A dataset of a plan, with the latents that models work in. */
export function datasetInput(plan: BenchmarkPlan, name: string, autoencoder?: FilledAutoencoder): DatasetInput {
  const source = plan.datasets[name];
  const file = `data/${dataKey(name, source).slice('data-'.length)}.safetensors`;
  return { name, file, source, ...(autoencoder && { latents: latentsInput(plan, name, autoencoder) }) };
}

/** The classifiers of a dataset: they score images, whether they were drawn in pixels or in latents. */
export function evaluatorInput(plan: BenchmarkPlan, name: string): EvaluatorInput {
  const classes = usedClasses(plan, name, () => true);
  const key = (role: 'features' | 'accuracy') => classifierKey(plan, name, { role, classes });
  return { dataset: datasetInput(plan, name), classes, keys: { features: key('features'), accuracy: key('accuracy') } };
}

import { type ImageSource, imageSource } from '@learngene/metrics';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { type Config, createDiffusionProcess, type Progress, sampleClasses } from '@learngene/pipeline';
import { openDecoder } from '@learngene/pipeline/node';
import { loadForClasses } from '../sample/load-for-classes';
import type { NamedLabels } from './map-labels';
import type { PreparedDrawing } from './prepare-drawing';

/** Samples with the names of their classes, as far as they are known. */
export interface SampleSet extends NamedLabels {
  /** A batch at a time: a file of samples may be larger than the memory. */
  images: ImageSource;
}

/** Draws `count` images of the classes, as many of each as of the others. */
export async function drawSamples(
  config: Config,
  { from, ids }: PreparedDrawing,
  { count, progress, signal }: { count: number; progress: Progress; signal: AbortSignal },
): Promise<SampleSet> {
  const labels = Int32Array.from({ length: count }, (_, i) => ids[Math.floor((i * ids.length) / count)]);
  const { sampling, seed } = config;
  const { decode, dispose } = await openDecoder(config);
  const model = await loadForClasses(from, ids);
  try {
    const process = createDiffusionProcess(config);
    const images = await sampleClasses(model, process, { labels, sampling, seed, decode, progress, signal });
    return { images: imageSource(images), labels, names: from.classNames };
  } finally {
    disposeParams(model.params as unknown as ParamTree);
    dispose();
  }
}

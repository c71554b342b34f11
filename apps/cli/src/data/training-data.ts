import { type ImageDataset, listNames, normalName } from '@learngene/datasets';
import { UsageError } from '../cli/errors';
import type { Output } from '../cli/output';
import type { RunRecord } from '../run/run-folder';
import { classNamesOf } from '../training/model-config';
import { openDataset, partOf } from './open-data';

/**
 * The pictures that a run trains on, opened anew.
 *
 * @throws UsageError where the data or `config.json` changed so that the run's model does not fit
 */
export async function openTrainingData({ config, model }: RunRecord, output: Output): Promise<ImageDataset> {
  const { train } = partOf(await openDataset(config.data, output), config.data.classes ?? [], config);
  checkFits(train, model);
  return train;
}

/** Throws where a model does not take the pictures or the classes of a dataset. */
export function checkFits(data: ImageDataset, model: RunRecord['model']): void {
  const { inputSize, inChannels } = model.dit;
  if (data.height !== inputSize || data.width !== inputSize || data.channels !== inChannels) {
    const came = `${data.height}x${data.width}x${data.channels}`;
    throw new UsageError(`data: the model takes ${inputSize}x${inputSize}x${inChannels}, got ${came}`);
  }
  const names = classNamesOf(model);
  if (
    names.length !== data.classes.length ||
    names.some((name, id) => normalName(name) !== normalName(data.classes[id]))
  ) {
    throw new UsageError(`data: the model has the classes ${listNames(names, 40)}, got ${listNames(data.classes, 40)}`);
  }
}

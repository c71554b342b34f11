import { countDitParams } from '@learngene/dit';
import { countKindParams, countTransferParams } from '@learngene/kind';
import { counted } from '@learngene/pipeline';
import type { RunRecord } from '@learngene/pipeline/node';
import { checkTotalMemory } from '../check-memory';

/** Bytes of a float32. */
const BYTES = 4;
/** What training holds of every parameter: its weight, its average, the two moments of AdamW, its gradient. */
const COPIES = 5;

/**
 * Refuses to train more parameters than the machine's memory holds.
 *
 * @param argument - what is to be smaller
 * @throws ConfigError naming it, the bytes needed and those there are
 */
export function checkParamsMemory(argument: string, params: number): void {
  const parts = 'with their averages, gradients and the two moments of AdamW';
  checkTotalMemory(argument, `${counted(params, 'parameter')} ${parts}`, params * COPIES * BYTES);
}

/** Parameters that a run trains; of a transfer those of its fresh tailors alone, which is the least. */
function trainedParams(record: RunRecord): number {
  const { kind, command, model, base } = record;
  if (kind === 'dense') return countDitParams(model.dit).trainable;
  if (command === 'train') return countKindParams(model).total;
  const classes = base?.classes.length ?? model.dit.classes;
  return countTransferParams(model, { groups: classes, classes });
}

/**
 * Refuses a training that the machine's memory cannot hold, from the shapes alone: a model whose weights, averages,
 * moments and gradients are larger, or a batch whose images are. What the layers keep comes on top and is not counted,
 * so nothing that could run is refused.
 *
 * @throws ConfigError naming `model` or `training.batchSize`, the bytes needed and those there are
 */
export function checkTrainingMemory(record: RunRecord): void {
  const { batchSize } = record.config.training;
  const { inputSize, inChannels } = record.model.dit;
  checkParamsMemory('model', trainedParams(record));
  const batch = batchSize * inputSize ** 2 * inChannels * BYTES;
  checkTotalMemory('training.batchSize', `the images of a batch of ${batchSize.toLocaleString('en-US')}`, batch);
}

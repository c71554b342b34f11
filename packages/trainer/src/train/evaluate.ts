import type { Learner } from '../contracts/learner';

/** A sequence of batches. Its maker frees each batch when the next one is asked for. */
export type BatchSequence<B> = Iterable<B> | AsyncIterable<B>;

/**
 * The mean loss of a learner's averaged weights over all samples of some batches.
 *
 * @param observe Receives the losses of the samples of each batch, [N].
 * @throws Error where there is no sample
 */
export async function meanLoss<B>(
  learner: Pick<Learner<B>, 'evaluate'>,
  batches: BatchSequence<B>,
  observe?: (batch: B, losses: Float32Array) => void,
): Promise<number> {
  let sum = 0;
  let count = 0;
  for await (const batch of batches) {
    const losses = await learner.evaluate(batch);
    observe?.(batch, losses);
    for (const loss of losses) {
      sum += loss;
      count++;
    }
  }
  if (count === 0) throw new Error('batches: expected a sample, got none');
  return sum / count;
}

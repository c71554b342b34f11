import type { BatchMaker } from '../contracts/batch-maker';
import { addLosses, type LossSums, meanLosses, noLosses, type SampleParts } from '../objective/loss-sums';
import type { MetricsLine } from '../run-folder/metrics-log';
import type { TrainOptions } from '../train/train';

/** How the losses of a training are told by part. */
export interface LossParts<B> {
  /** The parts of the samples of a batch. */
  of(batch: B): SampleParts;
  /** Whether lines of the log tell the training loss by class too (default true); the validation loss is told by class always. */
  byClass?: boolean;
}

/** Follows the losses of samples by their parts, in training and on held-out data. */
export interface LossWatch<B> {
  /** The batch maker, which tells the losses of its batches. */
  data: BatchMaker<B>;
  /** The validation, which tells the losses of its batches. */
  validation: TrainOptions<B>['validation'];
  /** Sums of the training losses since {@link LossWatch.take}; undefined where no loss of a sample was told. */
  sums(): LossSums | undefined;
  /**
   * The fields of a line of the log, after which the sums of the training losses begin anew.
   *
   * @param validated Whether a validation loss was measured since the line before.
   */
  take(validated: boolean): Partial<MetricsLine>;
}

/** Follows a training; without parts nothing is followed. */
export function watchLosses<B>(
  { data, validation }: Pick<TrainOptions<B>, 'data' | 'validation'>,
  { parts, sums }: { parts: LossParts<B> | undefined; sums: LossSums | undefined },
): LossWatch<B> {
  if (parts === undefined) return { data, validation, sums: () => undefined, take: () => ({}) };
  let trained = sums;
  let heldOut = noLosses();
  return {
    data: {
      ...data,
      observe(batch, result) {
        data.observe?.(batch, result);
        const { sampleLosses } = result;
        if (sampleLosses) trained = addLosses(trained ?? noLosses(), parts.of(batch), sampleLosses);
      },
    },
    validation: validation && {
      ...validation,
      batches() {
        heldOut = noLosses();
        return validation.batches();
      },
      observe(batch, losses) {
        validation.observe?.(batch, losses);
        heldOut = addLosses(heldOut, parts.of(batch), losses);
      },
    },
    sums: () => trained,
    take(validated) {
      const [own, held] = [trained && meanLosses(trained), validated ? meanLosses(heldOut) : undefined];
      trained = undefined;
      return {
        ...(own && { lossByQuarter: own.byQuarter }),
        ...(own && parts.byClass !== false && { lossByClass: own.byClass }),
        ...(held && { validationLossByQuarter: held.byQuarter, validationLossByClass: held.byClass }),
      };
    },
  };
}

import { readNpz, writeNpz } from '@learngene/tensor-io/node';
import { checkImages } from './check';
import {
  CLASSES,
  type ReferenceStatistics,
  type SampleArrays,
  STATISTICS_ARRAYS,
  samplesFromArrays,
  samplesToArrays,
  statisticsFromArrays,
  statisticsToArrays,
} from './statistics';

/** Reads a statistics npz (`mu`, `sigma`, `mu_s`, `sigma_s`), such as ADM's reference batches or one of ours; see `statisticsFromArrays`. */
export async function readStatistics(path: string): Promise<ReferenceStatistics> {
  return statisticsFromArrays(path, await readNpz(path, { optional: STATISTICS_ARRAYS }));
}

/** Writes a statistics npz that ADM and pytorch-fid read. The file is written whole or not at all. */
export async function writeStatistics(path: string, statistics: ReferenceStatistics): Promise<void> {
  await writeNpz(path, statisticsToArrays(statistics));
}

/** Reads a samples npz (`arr_0` uint8 NHWC, `arr_1` labels, names of classes) into memory; see `samplesFromArrays`, and `openSamples` for large ones. */
export async function readSamples(path: string): Promise<SampleArrays> {
  return samplesFromArrays(path, await readNpz(path, { optional: ['arr_0', 'arr_1', CLASSES] }));
}

/**
 * Writes a samples npz that ADM's evaluator reads; it ignores the class names. The file is written whole or not at all.
 */
export async function writeSamples(path: string, samples: SampleArrays): Promise<void> {
  checkImages('images', samples.images);
  await writeNpz(path, samplesToArrays(samples));
}

import { checkOptions, checkText } from '../check-options';
import type { BenchmarkPlan } from '../plan/benchmark-plan';
import { checkGivenPlan } from '../plan/check-given-plan';
import { checkDocument } from '../report';
import { checkFolder } from './benchmark-folder';

/** Where a benchmark writes besides its folder. */
export interface BenchmarkPlaces {
  /** The folder of the Markdown document (default: none is written). */
  docs?: string;
}

/**
 * Checks the places that a benchmark writes to. It is cheap: call it before an engine starts.
 *
 * @throws ConfigError for a folder of something else, and a file in the place of a folder; Error naming a place that may not be
 *   written, and a document without the marks between which its results go
 */
export async function checkPlaces(out: string, plan: BenchmarkPlan, options: BenchmarkPlaces = {}): Promise<void> {
  checkText('out', out);
  checkGivenPlan('checkPlaces', plan);
  checkOptions(options, ['docs']);
  const { docs } = options;
  await checkFolder(out);
  if (docs !== undefined) await checkDocument(docs, plan.name);
}

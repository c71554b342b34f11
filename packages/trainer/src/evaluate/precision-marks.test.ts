import { type PrecisionRecall, precisionRecall } from '@learngene/metrics';
import { createGenerator, normal } from '@learngene/random';
import { describe, expect, test } from 'vitest';
import { precisionWarnings, tooFewForPrecision } from './precision-marks';

const figures = (precision: number, recall: number): PrecisionRecall => ({ precision, recall, fScore: 0 });

describe('precision and recall need four images of each set', () => {
  test.each([
    [4, 4, undefined],
    [3, 4, /left out: they need 4 samples and 4 real images, and there are 3 and 4/],
    [64, 2, /there are 64 and 2/],
  ])('of %d samples and %d real images', (samples, reals, message) => {
    const why = tooFewForPrecision({ samples, reals });
    if (message === undefined) expect(why).toBeUndefined();
    else expect(why).toMatch(message);
    const set = (count: number) => ({ data: normal(createGenerator(1), count * 2), count, dims: 2 });
    const compared = () => precisionRecall(set(samples), set(reals));
    if (message === undefined) expect(compared).not.toThrow();
    else expect(compared).toThrow(RangeError);
  });
});

describe('a figure that noise gets too says nothing, which is said', () => {
  const counts = { samples: 64, reals: 48 };
  test.each<[string, PrecisionRecall, PrecisionRecall | undefined, RegExp[]]>([
    ['noise gets nothing', figures(0, 0), figures(0.9, 0.8), []],
    [
      'noise gets what the training images get',
      figures(0.97, 0),
      figures(0.95, 0.8),
      [/^precision: noise gets 0.97, training images 0.95: of 64 samples and 48 real images it says nothing/],
    ],
    ['noise covers the real images', figures(0, 0.5), figures(0.9, 0.9), [/^recall: noise gets 0.50, training/]],
    ['the training images get as little', figures(0.1, 0.1), figures(0.1, 0.5), [/^precision: noise gets 0.10/]],
    ['nothing is known of real images', figures(0.6, 0.4), undefined, [/^precision: noise gets 0.60: of 64 samples/]],
  ])('%s', (_, noise, training, messages) => {
    const said = precisionWarnings({ noise, ...(training && { training }) }, counts);
    expect(said).toHaveLength(messages.length);
    for (const [i, message] of messages.entries()) expect(said[i]).toMatch(message);
  });
});

import { flowMatching, gaussianDiffusion } from '@learngene/diffusion';
import { describe, expect, test } from 'vitest';
import { addLosses, meanLosses, noLosses, partsOfSamples } from './loss-sums';

const names = ['owl', '__proto__', 'fox'];
const labels = Int32Array.of(0, 1, 2, 0, 0);
const dropped = Uint8Array.of(0, 0, 1, 0, 0);
const losses = Float32Array.of(1, 2, 4, 8, 16);

describe('losses by part', () => {
  test.each([
    [gaussianDiffusion({ schedule: 'cosine', timesteps: 10, prediction: 'x0' }), Int32Array.of(0, 2, 3, 9, 7)],
    [flowMatching({}), Float32Array.of(0, 0.249, 0.25, 1, 0.74)],
  ])('means by quarter of the timesteps and by class, dropped labels of no class: %#', (process, t) => {
    const parts = partsOfSamples(process, names)({ t, labels, dropped });
    expect([...parts.quarters]).toEqual([0, 0, 1, 3, 2]);
    const sums = addLosses(noLosses(), parts, losses);
    expect(meanLosses(sums).byQuarter).toEqual([1.5, 4, 16, 8]);
    expect(Object.entries(meanLosses(sums).byClass)).toEqual([
      ['owl', 25 / 3],
      ['__proto__', 2],
    ]);
    // Through JSON, as a checkpoint keeps them, and on.
    const twice = addLosses(JSON.parse(JSON.stringify(sums)), parts, losses);
    expect(twice.quarters).toEqual([
      [6, 4],
      [8, 2],
      [32, 2],
      [16, 2],
    ]);
    expect(meanLosses(twice)).toEqual(meanLosses(sums));
  });

  test('a quarter without samples is null, and sums that were there stay as they are', () => {
    const none = noLosses();
    const process = flowMatching({});
    const t = Float32Array.of(0.5);
    const parts = partsOfSamples(process, names)({ t, labels: Int32Array.of(2), dropped: Uint8Array.of(0) });
    expect(meanLosses(addLosses(none, parts, Float32Array.of(3)))).toEqual({
      byQuarter: [null, null, 3, null],
      byClass: { fox: 3 },
    });
    expect(none).toEqual(noLosses());
  });
});

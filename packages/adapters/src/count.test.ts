import { countDitMacs, countDitParams, ditConfig } from '@learngene/dit';
import { groupPerClass, sharedGroup } from '@learngene/nn';
import { useTestBackend } from '@learngene/testing';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { DIT } from '../test/tiny';
import { countAdapted } from './count';
import { type AdapterConfigInput, adapterConfig } from './methods';

beforeAll(useTestBackend);

const L2 = ditConfig('DiT-L/2');
const count = (input: AdapterConfigInput, dit = L2, groups = sharedGroup(dit.classes)) =>
  countAdapted({ dit, adapter: adapterConfig(input, dit), groups, nullGate: 'base' });

describe('countAdapted', () => {
  test('of DiT-L/2 agrees with the counts by hand', () => {
    // A rank over six weights of 24 blocks: 24 (4 (1024 + 1024) + 2 (1024 + 4096)); a scale s more for tailors.
    expect(count({ method: 'lora', rank: 10 }).adapter).toBe(10 * 442_368);
    expect(count({ method: 'low-rank', rank: 10 }).adapter).toBe(10 * 442_512);
    expect(count({ method: 'loha', rank: 10 }).adapter).toBe(20 * 442_368);
    expect(count({ method: 'dora', rank: 10 }).adapter).toBe(10 * 442_368 + 24 * (5 * 1024 + 4096));
    expect(count({ method: 'svdiff' }).adapter).toBe(24 * 6 * 1024);
    expect(count({ method: 'oft', blockSize: 32 }).adapter).toBe((24 * (5 * 1024 + 4096) * 31) / 2);
    expect(count({ method: 'full' }).trainable).toBe(countDitParams(L2).trainable);
    expect(count({ method: 'bitfit', biases: 'main' }).adapter).toBe(countDitParams(L2).linearBias);
  });

  test('counts MACs beside and inside the weights', () => {
    const dense = countDitMacs(L2).total;
    const lora = count({ method: 'lora', rank: 10 });
    expect(lora.macs).toBe(dense + 256 * 10 * 442_368);
    expect(lora.mergedMacs).toBe(dense);
    expect(count({ method: 'full' }).macs).toBe(dense);
    expect(count({ method: 'low-rank', keep: 268, rank: 102 }).macs / 1e9).toBeCloseTo(45.29, 2); // KIND's, see its README
    expect(count({ method: 'oft', blockSize: 32 }).formation).toBe(3 * 24 * (5 * 1024 + 4096) * 32 ** 2);
    expect(count({ method: 'oft', blockSize: 32, cayley: 2 }).formation).toBe(0);
  });

  test('grows with groups in what is trained, not in what a sample costs', () => {
    const [one, many] = [sharedGroup(5), groupPerClass(5)].map((groups) =>
      count({ method: 'lora', rank: 2 }, DIT, groups),
    );
    expect(many.trainable - 5 * many.labelRow).toBe(5 * (one.trainable - 5 * one.labelRow));
    expect(many.macs).toBe(one.macs);
  });
});

import { countDitMacs, countDitParams, ditConfig } from '@learngene/dit';
import { useTestBackend } from '@learngene/testing';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { DIT } from '../test/tiny';
import { countAdapted } from './count';
import { groupPerClass, sharedGroup } from './groups';
import { matchRank } from './match-rank';
import { type AdapterConfigInput, adapterConfig, adapterMethods } from './methods';

beforeAll(useTestBackend);

const L2 = ditConfig('DiT-L/2');
const count = (input: AdapterConfigInput, dit = L2, groups = sharedGroup(dit.classes)) =>
  countAdapted({ dit, adapter: adapterConfig(input, dit), groups, nullGate: 'base' });

describe('countAdapted', () => {
  it('of DiT-L/2 agrees with the counts by hand', () => {
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

  it('counts MACs beside and inside the weights', () => {
    const dense = countDitMacs(L2).total;
    const lora = count({ method: 'lora', rank: 10 });
    expect(lora.macs).toBe(dense + 256 * 10 * 442_368);
    expect(lora.mergedMacs).toBe(dense);
    expect(count({ method: 'full' }).macs).toBe(dense);
    expect(count({ method: 'low-rank', keep: 268, rank: 102 }).macs / 1e9).toBeCloseTo(45.29, 2); // KIND's, see its README
    expect(count({ method: 'oft', blockSize: 32 }).formation).toBe(3 * 24 * (5 * 1024 + 4096) * 32 ** 2);
    expect(count({ method: 'oft', blockSize: 32, cayley: 2 }).formation).toBe(0);
  });

  it('grows with groups in what is trained, not in what a sample costs', () => {
    const [one, many] = [sharedGroup(5), groupPerClass(5)].map((groups) =>
      count({ method: 'lora', rank: 2 }, DIT, groups),
    );
    expect(many.trainable - 5 * many.labelRow).toBe(5 * (one.trainable - 5 * one.labelRow));
    expect(many.macs).toBe(one.macs);
  });
});

describe('matchRank', () => {
  const adjustable = Object.entries(adapterMethods).flatMap(([method, { size }]) => (size ? [method] : []));

  it('comes as near to a budget as the method can', () => {
    const cases = fc.record({
      method: fc.constantFrom(...adjustable),
      parameters: fc.integer({ min: 1, max: 100_000 }),
      classes: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(cases, ({ method, parameters, classes }) => {
        const groups = groupPerClass(classes);
        const input = { method } as AdapterConfigInput;
        const found = matchRank(input, { dit: DIT, groups, parameters });
        const { size } = adapterMethods[found.adapter.method];
        for (const value of size!.values(DIT)) {
          const other = count({ method, [size!.field]: value } as AdapterConfigInput, { ...DIT, classes }, groups);
          expect(Math.abs(found.trainable - parameters)).toBeLessThanOrEqual(Math.abs(other.trainable - parameters));
        }
        expect(found.ratio).toBe(found.trainable / parameters);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps a LoRA scaling of 1 and other fields', () => {
    const options = { dit: DIT, groups: sharedGroup(2), parameters: 2000 };
    expect(matchRank({ method: 'lora' }, options).adapter).toEqual({
      method: 'lora',
      rank: 4,
      alpha: 4,
      rsLora: false,
    });
    expect(matchRank({ method: 'svd-cut', keep: 3 }, options).adapter).toMatchObject({ keep: 3 });
  });

  it('says when a method has no size', () => {
    const found = matchRank({ method: 'heur-lg', depth: 3 }, { dit: DIT, groups: sharedGroup(2), parameters: 1e4 });
    expect(found).toMatchObject({ adjustable: false, adapter: { depth: 3 } });
    expect(() => matchRank({ method: 'lora' }, { dit: DIT, groups: sharedGroup(2), parameters: 0 })).toThrow(
      'parameters: expected a positive number, got 0',
    );
  });
});

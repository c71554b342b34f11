import { ditConfig } from '@learngene/dit';
import { groupPerClass, sharedGroup } from '@learngene/nn';
import { useTestBackend } from '@learngene/testing';
import fc from 'fast-check';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { DIT } from '../test/tiny';
import { countAdapted } from './count';
import { matchRank } from './match-rank';
import { type AdapterConfigInput, adapterConfig, adapterMethods } from './methods';

beforeAll(useTestBackend);

const L2 = ditConfig('DiT-L/2');
const count = (input: AdapterConfigInput, dit = L2, groups = sharedGroup(dit.classes)) =>
  countAdapted({ dit, adapter: adapterConfig(input, dit), groups, nullGate: 'base' });

describe('matchRank', () => {
  const adjustable = Object.entries(adapterMethods).flatMap(([method, { size }]) => (size ? [method] : []));

  test('comes as near to a budget as the method can', () => {
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

  test('keeps a LoRA scaling of 1 and other fields', () => {
    const options = { dit: DIT, groups: sharedGroup(2), parameters: 2000 };
    expect(matchRank({ method: 'lora' }, options).adapter).toEqual({
      method: 'lora',
      rank: 4,
      alpha: 4,
      rsLora: false,
    });
    expect(matchRank({ method: 'svd-cut', keep: 3 }, options).adapter).toMatchObject({ keep: 3 });
  });

  test('says when a method has no size', () => {
    const found = matchRank({ method: 'heur-lg', depth: 3 }, { dit: DIT, groups: sharedGroup(2), parameters: 1e4 });
    expect(found).toMatchObject({ adjustable: false, adapter: { depth: 3 } });
    expect(() => matchRank({ method: 'lora' }, { dit: DIT, groups: sharedGroup(2), parameters: 0 })).toThrow(
      'parameters: expected a positive number, got 0',
    );
  });
});

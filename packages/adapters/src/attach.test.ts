import { applyDit, type DitParams } from '@learngene/dit';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { expectClose, expectNoLeak, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { baseFor, bits, DIT, denseBase, inputsFor, METHODS, tinyModel, titleOf } from '../test/tiny';
import { adaptedLinear, applyAdapted } from './apply';
import { type AttachOptions, attachAdapters } from './attach';
import { type AdapterGroup, groupPerClass, sharedGroup } from './groups';
import { applyLowRankDit, initLowRankDit, lowRankFromDense } from './low-rank-dit';
import { disposeMerged, mergeAdapters, unmergeAdapters } from './merge';
import { disposeAdapted, trainableParams } from './model';
import { loraOfPissa } from './pissa-to-lora';
import { planBatch } from './plan';
import { subTree } from './trees';

beforeAll(useTestBackend);

const LORA = { method: 'lora', rank: 2 } as const;

describe('attachAdapters', () => {
  it('owns its tensors: base and model can be disposed in any order', () => {
    for (const method of METHODS) {
      const base = baseFor(method);
      const options = { dit: DIT, adapter: method, groups: groupPerClass(2), generator: createGenerator(1) };
      const model = attachAdapters(base, options);
      disposeParams(base);
      const inputs = inputsFor([0, 1]);
      applyAdapted(model, inputs).dispose();
      tf.dispose([inputs.x, inputs.t]);
      disposeAdapted(model);
      expect([titleOf(method), tf.memory().numTensors]).toEqual([titleOf(method), 0]);
    }
  });

  it('draws the same for a group whatever the others are', () => {
    const [two, three] = [2, 3].map((n) => tinyModel(LORA, { groups: groupPerClass(n) }));
    expect(bits(three.adapters['class-1'])).toEqual(bits(two.adapters['class-1']));
    expect(bits(three.adapters['class-1'])).not.toEqual(bits(three.adapters['class-0']));
    disposeAdapted(two);
    disposeAdapted(three);
  });

  it('starts label rows as told', () => {
    const base = denseBase();
    for (const labels of ['random', 'null', 'base'] as const) {
      const model = tinyModel(LORA, { labels });
      const { rows } = model.adapters['class-1'].label;
      const row = { random: undefined, null: 5, base: 1 }[labels];
      if (row !== undefined) {
        tf.tidy(() => {
          expectClose(rows, tf.slice(base.label.table, row, 1));
        });
      }
      disposeAdapted(model);
    }
    disposeParams(base);
  });

  const attach = (options: Partial<AttachOptions>, base: ParamTree = denseBase()) => {
    try {
      return attachAdapters(base as DitParams, {
        dit: DIT,
        adapter: LORA,
        groups: sharedGroup(2),
        generator: createGenerator(1),
        ...options,
      });
    } finally {
      disposeParams(base);
    }
  };
  const group = (name: unknown, classes: unknown) => ({ name, classes }) as AdapterGroup;
  it.each([
    [{ groups: [] }, 'groups: expected at least one group, got an array of 0'],
    [{ groups: [group('a.b', [0])] }, 'groups[0].name: expected 1 to 200 characters without a dot, got "a.b"'],
    [{ groups: [group('__proto__', [0])] }, 'groups[0].name: expected'],
    [{ groups: [group('a', [0]), group('a', [1])] }, 'groups[1].name: "a" is used twice'],
    [{ groups: [group('a', [])] }, 'groups[0].classes: expected at least one class'],
    [{ groups: [group('a', [0.5])] }, 'groups[0].classes: expected class ids, got 0.5'],
    [{ groups: [group('a', [0]), group('b', [0])] }, 'groups[1].classes: class 0 is already in group "a"'],
    [{ groups: [group('a', [0, 2])] }, 'groups: expected classes 0 to 1, each once, got no 1'],
    [{ nullGate: 'none' as never }, 'nullGate: expected "base" or "own-class", got "none"'],
    [{ labels: 'zero' as never }, 'labels: expected "random" or "null" or "base", got "zero"'],
    [
      { groups: sharedGroup(6), labels: 'base' as const },
      "labels: expected at most 5 classes, as 'base' has rows for, got 6",
    ],
    [{ dit: { ...DIT, classes: 9 } }, 'base: label.table: expected [10, 16], got [6, 16]'],
    [{ dit: { ...DIT, depth: 3 } }, 'base: expected blocks.2.attn.q.weight, a dense model, got none'],
    [{ dit: { ...DIT, mlpRatio: 3 } }, 'base: blocks.0.mlp.in.weight: expected [48, 16], got [32, 16]'],
    [{ adapter: { method: 'low-rank' as const } }, 'base: expected blocks.0.attn.q.u, a factored model, got none'],
  ])('%j', (options, message) => {
    expect(() => attach(options)).toThrow(message);
    expect(tf.memory().numTensors).toBe(0);
  });

  it('names what a low-rank base lacks', () => {
    const base = () => initLowRankDit(createGenerator(0), DIT, { rank: 4 });
    expect(() => attach({ adapter: { method: 'low-rank', keep: 5 } }, base())).toThrow(
      'keep: expected at most 4, the rank of blocks.0.attn.q, got 5',
    );
    expect(() => attach({}, base())).toThrow('base: expected blocks.0.attn.q.weight, a dense model, got none');
    expect(() => attach({}, {})).toThrow('base: expected label.table, got none');
    expect(tf.memory().numTensors).toBe(0);
  });
});

describe('planBatch', () => {
  it('covers every batch in runs of one adapter and can be undone', () => {
    const cases = fc.record({
      labels: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 12 }),
      dropped: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
      nullGate: fc.constantFrom('base' as const, 'own-class' as const),
      groups: fc.constantFrom(sharedGroup(4), groupPerClass(4), [group('x', [2, 0]), group('y', [3, 1])]),
    });
    fc.assert(
      fc.property(cases, ({ labels, dropped, nullGate, groups }) => {
        const flags = dropped.slice(0, labels.length);
        const plan = planBatch(Int32Array.from(labels), { groups, nullGate, dropped: flags });
        const order = plan.order ?? Int32Array.from(labels.keys());
        expect([...order].sort((a, b) => a - b)).toEqual([...labels.keys()]);
        expect(Array.from(order, (from) => (plan.inverse ?? order)[from])).toEqual([...labels.keys()]);
        expect(plan.segments[0].start).toBe(0);
        expect(plan.segments.at(-1)!.end).toBe(labels.length);
        expect(new Set(plan.segments.map((s) => s.group)).size).toBe(plan.segments.length);
        for (const { start, end, group: name } of plan.segments) {
          for (let i = start; i < end; i++) {
            const [label, isDropped] = [labels[order[i]], flags[order[i]]];
            const own = groups.find((g) => g.classes.includes(label))?.name;
            const none = groups.length === 1 && nullGate === 'own-class' ? groups[0].name : null;
            expect(name).toBe(label === 4 ? none : isDropped && nullGate === 'base' ? null : own);
            expect(plan.labels[i]).toBe(isDropped ? 4 : label);
          }
        }
        const active = plan.segments.flatMap((s) => (s.group === null ? [] : [s.group]));
        expect([...plan.activeGroups].sort()).toEqual(active.sort());
      }),
    );
  });

  it.each([
    [
      () => planBatch(new Int32Array(0), { groups: sharedGroup(2), nullGate: 'base' }),
      'labels: expected an Int32Array',
    ],
    [
      () => planBatch(Int32Array.of(0), { groups: sharedGroup(2), nullGate: 'base', dropped: [0, 1] }),
      'dropped: expected 1 flags, got 2',
    ],
    [
      () => planBatch(Int32Array.of(3), { groups: sharedGroup(2), nullGate: 'base' }),
      'labels[0]: expected a class in [0, 2]',
    ],
  ])('%#', (act, message) => expect(act).toThrow(message));

  const group = (name: string, classes: number[]): AdapterGroup => ({ name, classes });
});

describe('applyAdapted', () => {
  it('gives a sample the same in any batch', () => {
    tf.tidy(() => {
      const model = tinyModel({ method: 'pissa', rank: 3 }, { noise: 0.1 });
      const inputs = inputsFor([2, 3, 0, 2, 1]);
      const all = applyAdapted(model, inputs, { dropped: [0, 0, 1, 0, 0] });
      for (let n = 0; n < 5; n++) {
        const one = { x: tf.slice(inputs.x, n, 1), t: tf.slice(inputs.t, n, 1), labels: inputs.labels.slice(n, n + 1) };
        const y = applyAdapted(model, one, { dropped: [n === 2] });
        expect(relativeError(tf.slice(all, n, 1), y)).toBeLessThan(2e-6);
      }
    });
  });

  it('names what does not fit', () => {
    const model = tinyModel(LORA);
    const inputs = inputsFor([0, 1]);
    expect(() => applyAdapted(model, { ...inputs, labels: Int32Array.of(0) })).toThrow('labels: expected 2 labels');
    const { 'class-1': _, ...others } = model.adapters;
    expect(() => applyAdapted({ ...model, adapters: others }, inputs)).toThrow(
      "group: expected one of class-0, class-2, got 'class-1'",
    );
    const bare = { ...model, adapters: { ...others, 'class-1': { ...model.adapters['class-1'], layers: {} } } };
    expect(() => applyAdapted(bare, inputs)).toThrow(
      "adapters: expected tensors of 'class-1' at blocks.0.attn.q, got none",
    );
    expect(() => trainableParams(model, ['x'])).toThrow("got 'x'");
    tf.dispose([inputs.x, inputs.t]);
    disposeAdapted(model);
  });

  it('goes through the Linear seam only where layers are adapted', () => {
    const model = tinyModel({ method: 'bitfit' });
    expect(() => adaptedLinear(model, [])).toThrow("method: 'bitfit' replaces weights, not layers");
    disposeAdapted(model);
  });
});

describe('mergeAdapters', () => {
  it('of null is the base model for its null label', () => {
    tf.tidy(() => {
      for (const method of METHODS) {
        const model = tinyModel(method, { noise: 0.05 });
        const inputs = inputsFor([3, 3]);
        const merged = mergeAdapters(model, null);
        expect(merged.config.classes).toBe(0);
        const y = applyDit(merged.params, { ...inputs, labels: Int32Array.from([0, 0]) }, { config: merged.config });
        expect(relativeError(y, applyAdapted(model, inputs))).toBeLessThan(5e-6);
      }
    });
  });

  it('wants a name where there are several groups, and leaks nothing', async () => {
    const model = tinyModel(LORA);
    expect(() => mergeAdapters(model)).toThrow('group: expected a name or null, the model has 3 groups');
    disposeAdapted(model);
    for (const method of METHODS) {
      await expectNoLeak(() => {
        const shared = tinyModel(method, { groups: sharedGroup(2) });
        const merged = mergeAdapters(shared);
        disposeAdapted(unmergeAdapters(merged));
        disposeMerged(merged);
        disposeAdapted(shared);
      });
    }
  });
});

describe('plain low-rank models', () => {
  it('cut from a dense one at full rank are that one', () => {
    tf.tidy(() => {
      const base = denseBase();
      const inputs = inputsFor([0, 4, 5]);
      const wanted = applyDit(base, inputs, { config: DIT });
      const full = lowRankFromDense(base, DIT, { rank: 16 });
      expect(relativeError(applyLowRankDit(full, inputs, { config: DIT }), wanted)).toBeLessThan(2e-6);
      const errors = [4, 8, 12].map((rank) => {
        const cut = lowRankFromDense(base, DIT, { rank });
        return relativeError(applyLowRankDit(cut, inputs, { config: DIT }), wanted);
      });
      expect(errors[0]).toBeGreaterThan(errors[2]);
    });
    const base = denseBase();
    expect(() => lowRankFromDense(base, DIT, { rank: 17 })).toThrow('rank: expected an integer from 1 to 16, got 17');
    disposeParams(base);
  });

  it("have Xavier's energy at any rank and leak nothing", async () => {
    for (const rank of [2, 16]) {
      const params = initLowRankDit(createGenerator(1), DIT, { rank });
      const s = Array.from(subTree<tf.Tensor>(params as ParamTree, 'blocks.0.attn.q.s')!.dataSync());
      expect(s.reduce((sum, value) => sum + value ** 2, 0)).toBeCloseTo((2 * 16 * 16) / (16 + 48), 4);
      disposeParams(params);
    }
    await expectNoLeak(() => {
      const base = denseBase();
      disposeParams(lowRankFromDense(base, DIT, { rank: 3 }));
      disposeParams(base);
    });
  });

  it('kept whole or cut: tailors on the leading components', () => {
    tf.tidy(() => {
      const whole = tinyModel({ method: 'low-rank', keep: 8, rank: 2 });
      const cut = tinyModel({ method: 'low-rank', keep: 5, rank: 2 });
      const inputs = inputsFor([0, 1, 2]);
      const [a, b] = [whole, cut].map((model) => applyAdapted(model, inputs));
      expect(relativeError(b, a)).toBeGreaterThan(1e-4);
    });
  });
});

describe('loraOfPissa', () => {
  it('goes with the base itself', () => {
    tf.tidy(() => {
      const pissa = tinyModel({ method: 'pissa', rank: 3, alpha: 6 }, { noise: 0.1, groups: sharedGroup(2) });
      const { config, layers } = loraOfPissa(pissa, 'all');
      const fresh = tinyModel(config, { groups: sharedGroup(2) });
      const lora = { ...fresh, adapters: { all: { ...pissa.adapters.all, layers } } };
      const inputs = inputsFor([0, 1]);
      expect(relativeError(applyAdapted(lora, inputs), applyAdapted(pissa, inputs))).toBeLessThan(5e-6);
      expect(() => loraOfPissa(fresh, 'all')).toThrow('method: expected pissa, got lora');
    });
  });
});

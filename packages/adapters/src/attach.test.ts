import type { DitParams } from '@learngene/dit';
import { type ClassGroup, disposeParams, groupPerClass, type ParamTree, sharedGroup } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { expectClose, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { baseFor, bits, DIT, denseBase, inputsFor, METHODS, tinyModel, titleOf } from '../test/tiny';
import { applyAdapted } from './apply';
import { type AttachOptions, attachAdapters } from './attach';
import { initLowRankDit } from './low-rank-dit';
import { disposeAdapted } from './model';

beforeAll(useTestBackend);

const LORA = { method: 'lora', rank: 2 } as const;

describe('attachAdapters', () => {
  test('owns its tensors: base and model can be disposed in any order', () => {
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

  test('draws the same for a group whatever the others are', () => {
    const [two, three] = [2, 3].map((n) => tinyModel(LORA, { groups: groupPerClass(n) }));
    expect(bits(three.adapters['class-1'])).toEqual(bits(two.adapters['class-1']));
    expect(bits(three.adapters['class-1'])).not.toEqual(bits(three.adapters['class-0']));
    disposeAdapted(two);
    disposeAdapted(three);
  });

  test('starts label rows as told', () => {
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
  const group = (name: unknown, classes: unknown) => ({ name, classes }) as ClassGroup;
  test.each([
    [{ groups: [] }, 'groups: expected at least one group, got an array of 0'],
    [{ groups: [group('a.b', [0])] }, 'groups[0].name: expected 1 to 200 characters without a dot, got "a.b"'],
    [{ groups: [group('__proto__', [0])] }, "groups[0].name: '__proto__' is not allowed"],
    [{ groups: [group('a', [0]), group('a', [1])] }, "groups[1].name: 'a' is used twice"],
    [{ groups: [group('a', [])] }, 'groups[0].classes: expected at least one class'],
    [{ groups: [group('a', [0.5])] }, 'groups[0].classes: expected integers of at least 0, got 0.5'],
    [{ groups: [group('a', [0]), group('b', [0])] }, "groups[1].classes: class 0 is already in group 'a'"],
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

  test('names what a low-rank base lacks', () => {
    const base = () => initLowRankDit(createGenerator(0), DIT, { rank: 4 });
    expect(() => attach({ adapter: { method: 'low-rank', keep: 5 } }, base())).toThrow(
      'keep: expected at most 4, the rank of blocks.0.attn.q, got 5',
    );
    expect(() => attach({}, base())).toThrow('base: expected blocks.0.attn.q.weight, a dense model, got none');
    expect(() => attach({}, {})).toThrow('base: expected label.table, got none');
    expect(tf.memory().numTensors).toBe(0);
  });
});

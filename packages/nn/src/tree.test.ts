import { expectNoLeak } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { useNnBackend } from '../test/setup';
import {
  cloneParams,
  countParams,
  disposeParams,
  disposeReplacedParams,
  flattenParams,
  mapParams,
  mergeParams,
  type ParamTree,
  paramBytes,
  paramLeaves,
  splitParams,
  unflattenParams,
} from './index';

beforeAll(useNnBackend);

const make = () => ({
  blocks: { 0: { weight: tf.ones([2, 3]), bias: undefined }, 1: { weight: tf.zeros([2, 3]) } },
  scale: tf.tensor1d([1, 2]),
});
const names = ['blocks.0.weight', 'blocks.1.weight', 'scale'];

describe('parameter trees', () => {
  test('flatten to dotted names and back', () => {
    const tree = make();
    const flat = flattenParams(tree);
    expect([...flat.keys()]).toEqual(names);
    expect(flat.get('scale')).toBe(tree.scale);
    expect([...flattenParams(unflattenParams(flat))]).toEqual([...flat]);
    disposeParams(tree);
  });

  test('list leaves in the order of their names', () => {
    const tree = make();
    expect(paramLeaves(tree)).toEqual([...flattenParams(tree).values()]);
    expect(paramLeaves({})).toEqual([]);
    disposeParams(tree);
  });

  test('take a hostile name for a name', () => {
    const tree = Object.fromEntries([['__proto__', tf.scalar(1)]]) as ParamTree;
    const clone = cloneParams(tree);
    expect(Object.getPrototypeOf(clone)).toBe(Object.prototype);
    expect(Object.keys(clone)).toEqual(['__proto__']);
    disposeParams(tree);
    disposeParams(clone);
  });

  test('count elements and bytes', () => {
    const tree: ParamTree = { ...make(), flags: tf.tensor1d([true], 'bool') };
    expect(countParams(tree)).toBe(15);
    expect(paramBytes(tree)).toBe(57);
    disposeParams(tree);
  });

  test('map with names, keeping structure', () => {
    const tree = make();
    const seen: string[] = [];
    const mapped = mapParams((tensor, name) => {
      seen.push(name);
      return tf.add(tensor, 1);
    }, tree);
    expect(seen).toEqual(names);
    expect(Object.keys(mapped.blocks[0])).toEqual(['weight']);
    expect(Array.from(mapped.scale.dataSync())).toEqual([2, 3]);
    disposeParams(tree);
    disposeParams(mapped);
  });

  test('clone into tensors of their own', () => {
    const tree = make();
    const clone = cloneParams(tree);
    disposeParams(tree);
    disposeParams(tree);
    expect(Array.from(clone.scale.dataSync())).toEqual([1, 2]);
    expect(() => tree.scale.dataSync()).toThrow();
    disposeParams(clone);
  });

  test('split by name and merge again', () => {
    const tree = make();
    const { selected, rest } = splitParams(tree, (name) => name.startsWith('blocks.0'));
    expect([...flattenParams(selected).keys()]).toEqual(['blocks.0.weight']);
    expect([...flattenParams(mergeParams(selected, rest))]).toEqual([...flattenParams(tree)]);
    expect(() => mergeParams(tree, selected)).toThrow('blocks.0.weight is in both trees');
    disposeParams(tree);
  });

  test('refuse names that do not make a tree', () => {
    const x = tf.scalar(0);
    const refuse = (...keys: string[]) => expect(() => unflattenParams(new Map(keys.map((key) => [key, x]))));
    refuse('a', 'a.b').toThrow('a.b lies below a leaf');
    refuse('a.b', 'a').toThrow('a is both a leaf and a prefix');
    refuse('a..b').toThrow("non-empty parts, got 'a..b'");
    expect(() => flattenParams({ 'a.b': x, a: { b: x } })).toThrow('two leaves are named a.b');
    const tree = unflattenParams(new Map([['__proto__.polluted', x]]));
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect([...flattenParams(tree).keys()]).toEqual(['__proto__.polluted']);
    x.dispose();
  });

  test('leak nothing', () =>
    expectNoLeak(() => {
      const tree = make();
      const { selected, rest } = splitParams(tree, (name) => name === 'scale');
      disposeParams(cloneParams(mergeParams(selected, rest)));
      disposeParams(tree);
    }));
});

test('disposeReplacedParams disposes what is gone, and nothing that is still there', () =>
  expectNoLeak(() => {
    const [same, before] = [make(), make()];
    const { blocks } = before;
    const after = { blocks: { 0: { weight: tf.ones([2, 3]) }, 1: blocks[1] }, scale: before.scale };
    disposeReplacedParams([same, before], [same, after]);
    expect(paramLeaves(same).map(({ isDisposed }) => isDisposed)).toEqual([false, false, false]);
    expect(paramLeaves(before).map(({ isDisposed }) => isDisposed)).toEqual([true, false, false]);
    expect(paramLeaves(after).map(({ isDisposed }) => isDisposed)).toEqual([false, false, false]);
    for (const tree of [same, after]) disposeParams(tree);
  }));

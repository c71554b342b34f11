import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { flattenParams } from './tree';
import { arrangeParams, sortParams } from './tree-order';

beforeAll(useTestBackend);

test('sorted trees have one order, whatever order they came in', () => {
  const [a, b, c] = [tf.scalar(1), tf.scalar(2), tf.zeros([2])];
  const first = sortParams({ y: { d: a, b }, x: c });
  const second = sortParams({ x: c, y: { b, d: a } });
  expect([...flattenParams(first)]).toEqual([...flattenParams(second)]);
  expect([...flattenParams(first).keys()]).toEqual(['x', 'y.b', 'y.d']);
  expect(first.x).toBe(c);
  tf.dispose([a, b, c]);
});

test('an arranged tree has the order of its template, and must have its names and shapes', () => {
  const [a, b, c] = [tf.scalar(1), tf.scalar(2), tf.zeros([2])];
  const template = { y: { d: a, b }, x: c };
  const arranged = arrangeParams(template, { x: c, y: { b: a, d: b } }, 'params');
  expect([...flattenParams(arranged).keys()]).toEqual(['y.d', 'y.b', 'x']);
  expect(arranged.y.d).toBe(b);
  expect(() => arrangeParams(template, { x: c }, 'params')).toThrow('params: y.d is missing');
  expect(() => arrangeParams(template, { ...template, z: a }, 'params')).toThrow(
    'params: expected 4 parameters, got 5',
  );
  expect(() => arrangeParams(template, { ...template, x: a }, 'params')).toThrow('params: x: expected [2], got []');
  tf.dispose([a, b, c]);
});

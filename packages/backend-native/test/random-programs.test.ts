import { expectClose } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { NATIVE, type NativeBackend, registerNativeBackend } from '../src/index';
import { type Outcome, runProgram } from './program';

// 10,000 programs take about ten seconds: LEARNGENE_PROGRAMS=10000 npx vitest run --project backend-native test/random-programs
const programs = Number(process.env.LEARNGENE_PROGRAMS ?? 300);
const first = Number(process.env.LEARNGENE_FIRST_PROGRAM ?? 1);

beforeAll(() => registerNativeBackend());

async function runAll(backend: string): Promise<Outcome[]> {
  await tf.setBackend(backend);
  return Array.from({ length: programs }, (_, i) => runProgram(first + i));
}

test(`${programs} random programs give the cpu backend's numbers, leak nothing and use nothing after it is freed`, async () => {
  const expected = await runAll('cpu');
  await tf.setBackend(NATIVE);
  const tensors = tf.memory().numTensors;
  const { usedBytes } = (tf.backend() as NativeBackend).memory().pool;
  const outcomes = await runAll(NATIVE);
  expect(tf.memory().numTensors).toBe(tensors);
  expect((tf.backend() as NativeBackend).memory().pool.usedBytes).toBe(usedBytes);
  for (const [i, { shapes, values }] of outcomes.entries()) {
    expect(shapes).toEqual(expected[i].shapes);
    for (const [j, array] of values.entries()) {
      try {
        expectClose(array, expected[i].values[j], { rtol: 1e-4, atol: 1e-4 });
      } catch (error) {
        throw new Error(`program ${first + i}, tensor ${j}`, { cause: error });
      }
    }
  }
}, 3_600_000);

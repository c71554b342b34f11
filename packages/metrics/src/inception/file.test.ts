import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { disposeParams } from '@learngene/nn';
import type { TensorData } from '@learngene/tensor-io';
import { sha256File, writeSafetensors } from '@learngene/tensor-io/node';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { loadInception } from './file';
import { inceptionShapes } from './params';

beforeAll(async () => void (await useTestBackend()));

const folder = temporaryFolder('inception');

test('reads a file of weights with the counters of torch, and checks the digits of its name', async () => {
  const state = new Map<string, TensorData>();
  for (const [name, shape] of inceptionShapes()) {
    state.set(name, { dtype: 'F32', shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  }
  state.set('Conv2d_1a_3x3.bn.num_batches_tracked', { dtype: 'I64', shape: [], data: BigInt64Array.of(0n) });
  const path = join(folder, 'inception.safetensors');
  await writeSafetensors(path, state);
  const digits = (await sha256File(path)).slice(0, 8);
  const named = join(folder, `inception-${digits}.safetensors`);
  await rename(path, named);
  const { params, sha256 } = await loadInception(named);
  expect(sha256.slice(0, 8)).toBe(digits);
  expect(params.fc.weight.shape).toEqual([1008, 2048]);
  disposeParams(params);
  const wrong = join(folder, 'inception-01234567.safetensors');
  await rename(named, wrong);
  await expect(loadInception(wrong)).rejects.toThrow(`${wrong}: expected a SHA-256 that begins with 01234567`);
}, 60_000);

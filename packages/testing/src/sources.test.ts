import { describe, expect, test } from 'vitest';
import { shippedSources } from './shipped-sources';

/** By their path in the repository. */
const sources = new Map(shippedSources());

/** Without comments. */
const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');

const filesWith = (pattern: RegExp) =>
  [...sources]
    .filter(([path, text]) => !path.startsWith('packages/testing/') && pattern.test(code(text)))
    .map(([path]) => path);

describe('what WebGPU cannot do', () => {
  test('synchronous reads of a device are in one place, which refuses where they are impossible', () => {
    // On WebGPU in Node they throw 'OffscreenCanvas is not defined'; in a browser they stall, and may lose the device.
    expect(filesWith(/\.(dataSync|arraySync|bytesSync|bufferSync)\(/)).toEqual(['packages/nn/src/read-back.ts']);
  });

  test('tensors are read synchronously only where an async form or a refusal by name stands beside it', () => {
    const reasons = {
      'packages/adapters/src/methods/cayley.ts': 'refuses by name: the inverse is in the forward pass',
      'packages/adapters/src/methods/choose-blocks.ts': 'async form',
      'packages/adapters/src/tailors-as-lora.ts': 'async form',
      'packages/dit/src/timestep.ts': 'only where canReadSync; else on the device',
      'packages/nn/src/read-back.ts': 'the function itself',
      'packages/tensor-svd/src/factored/energies.ts': 'async form',
      'packages/tensor-svd/src/factored/orthogonalize.ts': 'async form',
      'packages/tensor-svd/src/tensor-matrix.ts': 'async form',
    };
    expect(filesWith(/\breadSync\b[^;]*from '@learngene\/nn'|export function readSync\b/).sort()).toEqual(
      Object.keys(reasons),
    );
  });

  test('every function that reads back has an exported async form', () => {
    const readers = [...sources].flatMap(([path, text]) =>
      [...code(text).matchAll(/readingBack\('(\w+)'/g)].map(([, name]) => [path, name] as const),
    );
    expect(readers.map(([, name]) => name)).toContain('assembleFactored');
    for (const [path, name] of readers) {
      const index = sources.get(path.replace(/src\/.*/, 'src/index.ts')) as string;
      expect(index, `${path}: ${name}Async`).toMatch(new RegExp(`\\b${name}Async\\b`));
    }
  });

  test('the command, the pipeline, the trainer and the benchmark call the async forms', () => {
    const names = new Set(
      [...sources.values()].flatMap((text) => [...text.matchAll(/readingBack\('(\w+)'/g)].map(([, name]) => name)),
    );
    const calls = [...sources].flatMap(([path, text]) =>
      /^apps\/|^packages\/(pipeline|trainer|transfer-benchmark|engines)\//.test(path)
        ? [...code(text).matchAll(/\b(\w+)\(/g)].map(([, name]) => `${path}: ${name}`)
        : [],
    );
    // Without a budget it only clones; the tailors' base is prefetched.
    const allowed = [
      'packages/trainer/src/demo/run-demo.ts: assembleFactored',
      'packages/transfer-benchmark/src/attach/attach-tailors.ts: lowRankFromDense',
      'packages/transfer-benchmark/src/attach/attach-tailors.ts: orthogonalizeFactored',
    ];
    expect([...new Set(calls.filter((call) => names.has(call.split(' ')[1])))].sort()).toEqual(allowed.sort());
  });

  test('sines, cosines and powers of tensors are computed on the host: GPUs promise none of large arguments', () => {
    expect(filesWith(/\btf\.(sin|cos|tan|pow|sinh|cosh)\(/)).toEqual([]);
  });

  test('ops on lists of tensors go through helpers that take any number', () => {
    const reasons = {
      'packages/diffusion/src/sample-unipc.ts': '5 terms at most: x, 3 outputs, the newest one',
      'packages/nn/src/ops/foreach.ts': 'stacks on libtensorflow alone, which has no limit',
      'packages/nn/src/ops/many-tensors.ts': 'the helper',
    };
    expect(filesWith(/\btf\.(addN|stack|unstack|einsum)\(/).sort()).toEqual(Object.keys(reasons));
  });
});

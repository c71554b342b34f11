import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { offsetsOf, withWork } from './heap';
import { type Call, runCalls, threadsOf } from './instance';
import { rangesOf, up } from './ranges';

type Inputs = Readonly<Record<string, TensorInfo>>;

/** Parts for each thread: few, because every part has room of its own for its products. */
const PARTS_A_THREAD = 2;

/** `LearngeneAttention`; the state is the softmax [N, H, T, S]. */
export const attentionInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const { q, k, v } = args.inputs as Inputs;
  const { heads, scale } = args.attrs as { heads: number; scale: number };
  const [[N, T, D], S] = [q.shape, k.shape[1]];
  const out = backend.makeOutput(q.shape, 'float32');
  const p = backend.makeOutput([N, heads, T, S], 'float32');
  onHeads(backend, { N, heads, room: roomOf({ T, S, width: D / heads }) }, (from, to, work) => {
    const offsets = offsetsOf(backend, [q, k, v, p, out]);
    return ['attention', from, to, heads, T, S, D, scale, ...offsets, work];
  });
  return [out, p];
};

/** `LearngeneAttentionGrad`. */
export const attentionGradInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const { dy, q, k, v, state0 } = args.inputs as Inputs;
  const { heads, scale } = args.attrs as { heads: number; scale: number };
  const [[N, T, D], S] = [q.shape, k.shape[1]];
  const out = [q, k, v].map(({ shape }) => backend.makeOutput(shape, 'float32'));
  const room = roomOf({ T, S, width: D / heads }) + up(T * S, 4);
  withWork(backend, 5, (inputs) => {
    onHeads(backend, { N, heads, room }, (from, to, work) => {
      new Uint32Array(heapBuffer(backend), inputs, 5).set(offsetsOf(backend, [dy, q, k, v, state0]));
      return ['attentionGrad', from, to, heads, T, S, D, scale, inputs, ...offsetsOf(backend, out), work];
    });
  });
  return out;
};

function onHeads(
  backend: BackendWasm,
  { N, heads, room }: { N: number; heads: number; room: number },
  callOf: (from: number, to: number, work: number) => Call,
): void {
  const threads = threadsOf(backend);
  const parts = threads === 1 ? 1 : Math.min(N * heads, PARTS_A_THREAD * threads);
  withWork(backend, parts * room, (work) => {
    const calls = rangesOf(N * heads, parts).map(([from, to], part) => callOf(from, to, work + 4 * part * room));
    runCalls(backend, calls);
  });
}

/** Numbers that the products of a head need: see `product` of wasm/gemm.as. */
function roomOf({ T, S, width }: { T: number; S: number; width: number }): number {
  const lines = up(Math.max(T, S), 8);
  const packed = Math.max(2 * lines * Math.min(width, 256), (lines + up(width, 8)) * Math.min(lines, 256));
  return up(32 + packed, 4);
}

function heapBuffer(backend: BackendWasm): ArrayBufferLike {
  return (backend.wasm as unknown as { HEAPU8: Uint8Array }).HEAPU8.buffer;
}

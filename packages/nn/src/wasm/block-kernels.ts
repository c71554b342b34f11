import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { offsetsOf, withWork } from './heap';
import { type Call, runCalls, threadsOf } from './instance';
import { PARTS_A_THREAD, rangesOf } from './ranges';

type Inputs = Readonly<Record<string, TensorInfo>>;

/** Numbers from which on these kernels are worth a job of several threads: some microseconds of one. */
const WORTH_A_JOB = 2 ** 13;

/** `LearngeneGelu`. */
export const geluInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const { x } = args.inputs as Inputs;
  const y = backend.makeOutput(x.shape, 'float32');
  const [from, to] = offsetsOf(backend, [x, y]);
  const calls = ranges(backend, sizeOf(x), sizeOf(x)).map(([start, end]): Call => {
    return ['gelu', end - start, from + 4 * start, to + 4 * start];
  });
  runCalls(backend, calls);
  return y;
};

/** `LearngeneGeluGrad`. */
export const geluGradInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const { dy, x } = args.inputs as Inputs;
  const dx = backend.makeOutput(x.shape, 'float32');
  const offsets = offsetsOf(backend, [dy, x, dx]);
  const calls = ranges(backend, sizeOf(x), sizeOf(x)).map(([start, end]): Call => {
    return ['geluGrad', end - start, ...offsets.map((offset) => offset + 4 * start)];
  });
  runCalls(backend, calls);
  return dx;
};

/** `LearngeneGatedResidual`. */
export const gatedResidualInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const { x, gate, y } = args.inputs as Inputs;
  const out = backend.makeOutput(x.shape, 'float32');
  const [xs, gates, ys, outs] = offsetsOf(backend, [x, gate, y, out]);
  onSamples(backend, x, ({ N, T, D, row, sample }) => {
    return ['gatedResidual', N, T, D, xs + row, gates + sample, ys + row, outs + row];
  });
  return out;
};

/** `LearngeneGatedResidualGrad`. */
export const gatedResidualGradInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const { dy, gate, y } = args.inputs as Inputs;
  const [dgate, dbranch] = [gate, y].map(({ shape }) => backend.makeOutput(shape, 'float32'));
  const [dys, gates, ys, dgates, dbranches] = offsetsOf(backend, [dy, gate, y, dgate, dbranch]);
  onSamples(backend, y, ({ N, T, D, row, sample }) => {
    return ['gatedResidualGrad', N, T, D, dys + row, gates + sample, ys + row, dgates + sample, dbranches + row];
  });
  return [dgate, dbranch];
};

/** `LearngeneLayerNormModulate`; the state is the mean and 1 / sqrt(var + eps) of every row. */
export const normModulateInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const { x, shift, scale } = args.inputs as Inputs;
  const { eps } = args.attrs as { eps: number };
  const out = [x.shape, x.shape.slice(0, 2), x.shape.slice(0, 2)].map((shape) => backend.makeOutput(shape, 'float32'));
  const [xs, shifts, scales, ys, means, rstds] = offsetsOf(backend, [x, shift, scale, ...out]);
  onSamples(backend, x, ({ N, T, D, row, sample, token }) => {
    const rows = [ys + row, means + token, rstds + token];
    return ['normModulate', N, T, D, xs + row, shifts + sample, scales + sample, eps, ...rows];
  });
  return out;
};

/** `LearngeneLayerNormModulateGrad`. */
export const normModulateGradInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const { dy, x, scale, state0, state1 } = args.inputs as Inputs;
  const out = [x, scale, scale].map(({ shape }) => backend.makeOutput(shape, 'float32'));
  const room = 4 * x.shape[2]; // float32 numbers in the place of 2 D of float64
  const most = PARTS_A_THREAD * threadsOf(backend);
  withWork(backend, most * room, (work) => {
    const [dys, xs, scales, means, rstds, dxs, dshifts, dscales] = offsetsOf(backend, [
      ...[dy, x, scale, state0, state1],
      ...out,
    ]);
    onSamples(backend, x, ({ N, T, D, row, sample, token, part }) => {
      const inputs = [dys + row, xs + row, scales + sample, means + token, rstds + token];
      const results = [dxs + row, dshifts + sample, dscales + sample];
      return ['normModulateGrad', N, T, D, ...inputs, ...results, work + 4 * part * room];
    });
  });
  return out;
};

/** Some of the samples of x [N, T, D]. */
interface Samples {
  readonly N: number;
  readonly T: number;
  readonly D: number;
  /** Bytes before them in a tensor [N, T, D]. */
  readonly row: number;
  /** Bytes before them in a tensor [N, D]. */
  readonly sample: number;
  /** Bytes before them in a tensor [N, T]. */
  readonly token: number;
  /** Which part of the job they are. */
  readonly part: number;
}

/** Runs a call for each run of samples of x [N, T, D]. */
function onSamples(backend: BackendWasm, { shape: [N, T, D] }: TensorInfo, callOf: (samples: Samples) => Call): void {
  const calls = ranges(backend, N, N * T * D).map(([from, to], part) => {
    return callOf({ N: to - from, T, D, row: 4 * from * T * D, sample: 4 * from * D, token: 4 * from * T, part });
  });
  runCalls(backend, calls);
}

/** `count` places, which hold so many numbers together, in a range for each part of a job. */
function ranges(backend: BackendWasm, count: number, numbers: number): [number, number][] {
  const parts = numbers < WORTH_A_JOB ? 1 : PARTS_A_THREAD * threadsOf(backend);
  return rangesOf(count, Math.min(count, parts));
}

function sizeOf({ shape }: TensorInfo): number {
  return shape.reduce((product, side) => product * side, 1);
}

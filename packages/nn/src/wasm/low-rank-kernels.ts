import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { offsetsOf, withWork } from './heap';
import { type Call, runCalls, threadsOf } from './instance';
import { type Factors, type Layer, RowJobs, type Segment, turnedAround } from './low-rank-rows';
import { PARTS_A_THREAD, rangesOf, up } from './ranges';

type Inputs = Readonly<Record<string, TensorInfo>>;

/** Fewest rows of a factor's gradient that a part computes. */
const FEWEST_ROWS = 32;

/** `LearngeneGroupedLowRank`; the state is x v, and the same of the segments one after another. */
export const groupedLowRankInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const inputs = args.inputs as Inputs;
  const { x, u, bias } = inputs;
  const layer = layerOf(backend, inputs, args.attrs as never);
  const y = backend.makeOutput([...x.shape.slice(0, 2), u.shape[0]], 'float32');
  const hidden = backend.makeOutput([layer.rows, layer.common.r], 'float32');
  const own = backend.makeOutput([ownNumbers(layer)], 'float32');
  const [xs, ys, h, hs] = offsetsOf(backend, [x, y, hidden, own]);
  const biases = bias ? backend.getMemoryOffset(bias.dataId) : 0;
  passRows(backend, layer, { x: xs, y: ys, bias: biases, hidden: h, own: hs });
  return [y, hidden, own];
};

/** `LearngeneGroupedLowRankGrad`: a pass over the rows with the factors exchanged, then all gradients of factors at once. */
export const groupedLowRankGradInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const { dy, state0, state1, ...inputs } = args.inputs as Inputs;
  const { common } = args.attrs as { common?: boolean };
  const layer = layerOf(backend, inputs, args.attrs as never);
  const names = Object.keys(inputs).filter((name) => common || (name !== 'u' && name !== 's' && name !== 'v'));
  const grads = names.map((name) => backend.makeOutput(inputs[name].shape, 'float32'));
  const offsets = Object.fromEntries(offsetsOf(backend, grads).map((offset, i) => [names[i], offset]));
  const [dys, xs, h, own] = offsetsOf(backend, [dy, inputs.x, state0, state1]);
  const hidden = up(layer.rows * layer.common.r, 4);
  withWork(backend, hidden + ownNumbers(layer), (g) => {
    const gs = g + 4 * hidden; // as `own`: gradients of the scaled hidden rows, before the scale
    passRows(backend, turnedAround(layer), { x: dys, y: offsets.x, bias: 0, hidden: g, own: gs });
    const parts: FactorPart[] = [];
    const add = (segment: Segment, name: string, [mine, grad]: [h: number, g: number]): void => {
      const [du, ds, dv] = ['u', 's', 'v'].map((factor) => offsets[factor + name]);
      const { from, to, factors } = segment;
      const rows = to - from;
      parts.push({ work: 0, call: () => ['scaleGrad', rows, factors.r, grad, mine, ds] });
      const shared = { rows, factors, threads: threadsOf(backend) };
      parts.push(...factorParts({ ...shared, a: dys + 4 * from * layer.out, width: layer.out, b: mine, c: du }));
      parts.push(...factorParts({ ...shared, a: xs + 4 * from * layer.width, width: layer.width, b: grad, c: dv }));
    };
    const { rows, out } = layer;
    if (inputs.bias) parts.push({ work: 0, call: () => ['fold', dys, 1, rows, out, 4 * out, 1, offsets.bias] });
    for (const [i, segment] of layer.segments.entries()) {
      add(segment, String(i), [own + 4 * segment.before, gs + 4 * segment.before]);
    }
    if (common) add({ from: 0, to: rows, factors: layer.common, before: 0 }, '', [h, g]);
    const total = parts.reduce((sum, { work }) => sum + work, 0);
    withWork(backend, total, (work) => {
      let at = work;
      const calls = parts.map((part) => {
        at += 4 * part.work;
        return part.call(at - 4 * part.work);
      });
      runCalls(backend, calls);
    });
  });
  return grads;
};

function passRows(backend: BackendWasm, layer: Layer, places: Parameters<RowJobs['calls']>[0]): void {
  const jobs = new RowJobs(layer, threadsOf(backend));
  withWork(backend, jobs.floats, (work) => {
    for (const calls of jobs.calls(places, work)) runCalls(backend, calls);
  });
}

/** A part of the job of the factors' gradients, and the numbers that it needs to work with. */
interface FactorPart {
  readonly work: number;
  readonly call: (work: number) => Call;
}

/** The gradient c [width, r] = (aᵀ b) s of a factor, for a [rows, width] and b [rows, r], in parts of its rows. */
function factorParts(of: {
  readonly rows: number;
  readonly factors: Factors;
  readonly threads: number;
  readonly a: number;
  readonly width: number;
  readonly b: number;
  readonly c: number;
}): FactorPart[] {
  const { rows, factors, threads, a, width, b, c } = of;
  const count = Math.min(Math.ceil(width / FEWEST_ROWS), PARTS_A_THREAD * threads);
  return rangesOf(Math.ceil(width / 4), count).map(([first, end]) => {
    const [from, to] = [4 * first, Math.min(width, 4 * end)];
    const packed = (up(to - from, 4) + up(factors.r, 8)) * Math.min(rows, 256);
    return {
      work: 32 + up(packed, 4),
      call: (work) => {
        const sizes = [to - from, factors.r, rows];
        return ['factorGrad', ...sizes, a + 4 * from, width, b, factors.s, c + 4 * from * factors.r, work];
      },
    };
  });
}

/** What the inputs of the kernels say: rows [N T, in], their segments in samples. */
function layerOf(backend: BackendWasm, inputs: Inputs, { starts, ends }: { starts: number[]; ends: number[] }): Layer {
  const [N, T, width] = inputs.x.shape;
  let before = 0;
  const factorsOf = (name: string): Factors => {
    const [u, s, v] = ['u', 's', 'v'].map((factor) => inputs[factor + name]);
    const offsets = offsetsOf(backend, [u, s, v]);
    return { r: s.shape[0], u: offsets[0], s: offsets[1], v: offsets[2] };
  };
  const segments = starts.map((start, i): Segment => {
    const segment = { from: start * T, to: ends[i] * T, factors: factorsOf(String(i)), before };
    before += (segment.to - segment.from) * segment.factors.r;
    return segment;
  });
  return { rows: N * T, width, out: inputs.u.shape[0], common: factorsOf(''), segments };
}

/** How many hidden numbers the segments have. */
function ownNumbers({ segments }: Layer): number {
  return segments.reduce((sum, { from, to, factors }) => sum + (to - from) * factors.r, 0);
}

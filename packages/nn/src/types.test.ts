// The types of the public generics. The type checker compares them (`npm run check`); nothing of it is run.
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { expectTypeOf, test } from 'vitest';
import {
  type AdamWEmaResult,
  type AdamWState,
  adamWEmaStep,
  adamWStep,
  clipByGlobalNorm,
  cloneParams,
  customOp,
  dims,
  gelu,
  initAdamW,
  initEma,
  layerNorm,
  mapParams,
  type ParamTree,
  paramsLike,
  reorderRows,
  sumTensors,
  updateEma,
  valueAndGrad,
  valueAndGradWithAux,
} from './index';
import { type Checkpoint, loadParams, loadParamsLike } from './node';

type Params = Readonly<{
  weight: Tensor2D;
  head: { readonly bias?: Tensor1D };
}>;
declare const params: Params;
declare const scalar: Scalar;
declare const x: Tensor4D;

/** Compiles what is given and does not run it. */
const typed = (name: string, _: () => void) => test(name, () => {});

typed('a tree keeps its type through what maps, copies and averages it', () => {
  expectTypeOf(mapParams((tensor) => tensor, params)).toEqualTypeOf<Params>();
  expectTypeOf(cloneParams(params)).toEqualTypeOf<Params>();
  expectTypeOf(initEma(params)).toEqualTypeOf<Params>();
  expectTypeOf(updateEma(params, params, 0.9)).toEqualTypeOf<Params>();
  expectTypeOf(paramsLike(params, new Map())).toEqualTypeOf<Params>();
  expectTypeOf<Params>().toExtend<ParamTree>();
  expectTypeOf<{ rate: number }>().not.toExtend<ParamTree>();
  // @ts-expect-error a tree holds tensors alone
  cloneParams({ rate: 1 });
  // @ts-expect-error the two trees have one type
  updateEma(params, { weight: params.weight }, 0.9);
});

typed('gradients have the type of the parameters, and the function sees it', () => {
  const { value, grads } = valueAndGrad((p) => {
    expectTypeOf(p).toEqualTypeOf<Params>();
    return scalar;
  }, params);
  expectTypeOf(value).toEqualTypeOf<Scalar>();
  expectTypeOf(grads).toEqualTypeOf<Params>();
  const withAux = valueAndGradWithAux(() => ({ value: scalar, aux: { losses: params.weight } }), params);
  expectTypeOf(withAux.grads).toEqualTypeOf<Params>();
  expectTypeOf(withAux.aux).toEqualTypeOf<{ losses: Tensor2D }>();
  // @ts-expect-error a loss is a scalar
  valueAndGrad(() => params.weight, params);
  expectTypeOf(clipByGlobalNorm(grads, 1).grads).toEqualTypeOf<Params>();
});

typed('the optimiser takes and gives trees of one type', () => {
  const state = initAdamW(params);
  expectTypeOf(state).toEqualTypeOf<AdamWState<Params>>();
  expectTypeOf(state.m).toEqualTypeOf<Params>();
  const next = adamWStep({ params, grads: params, state }, { learningRate: 0.1 });
  expectTypeOf(next.params).toEqualTypeOf<Params>();
  expectTypeOf(next.state).toEqualTypeOf<AdamWState<Params>>();
  const averaged = adamWEmaStep({ params, grads: params, state, ema: params }, { learningRate: 0.1, emaDecay: 0.9 });
  expectTypeOf(averaged).toEqualTypeOf<AdamWEmaResult<Params>>();
  // @ts-expect-error gradients of another tree
  adamWStep({ params, grads: { weight: params.weight, other: params.weight }, state }, { learningRate: 0.1 });
  // @ts-expect-error the learning rate has no default
  adamWStep({ params, grads: params, state }, {});
});

typed('a file is read as the type of its template, or as any tree', () => {
  expectTypeOf(loadParamsLike('file', params)).resolves.toEqualTypeOf<Checkpoint<Params>>();
  expectTypeOf(loadParams('file')).resolves.toEqualTypeOf<Checkpoint<ParamTree>>();
});

typed('dims names the axes of its pattern and nothing else', () => {
  const sizes = dims('x', x, '... N H 3');
  expectTypeOf(sizes).toEqualTypeOf<Readonly<Record<'N' | 'H', number>>>();
  // @ts-expect-error no such axis
  sizes.W;
});

typed('elementwise ops keep the rank', () => {
  expectTypeOf(gelu(x)).toEqualTypeOf<Tensor4D>();
  expectTypeOf(layerNorm(params.weight)).toEqualTypeOf<Tensor2D>();
  expectTypeOf(reorderRows(x, new Int32Array(1), new Int32Array(1))).toEqualTypeOf<Tensor4D>();
  expectTypeOf(sumTensors([x, x])).toEqualTypeOf<Tensor4D>();
  // @ts-expect-error another rank
  expectTypeOf(gelu(x)).toEqualTypeOf<Tensor3D>();
});

typed('the backward pass of an op answers for inputs that it has', () => {
  const inputs = { a: params.weight, b: params.weight };
  const y = customOp({
    inputs,
    forward: (save) => {
      expectTypeOf(save).parameter(0).toEqualTypeOf<Tensor[]>();
      return params.weight;
    },
    backward: (dy, _, needsInputGrad) => {
      expectTypeOf(dy).toEqualTypeOf<Tensor2D>();
      expectTypeOf(needsInputGrad).parameter(0).toEqualTypeOf<'a' | 'b'>();
      return { a: () => dy, b: () => dy };
    },
  });
  expectTypeOf(y).toEqualTypeOf<Tensor2D>();
  // @ts-expect-error the gradient of b is missing
  customOp({ inputs, forward: () => params.weight, backward: (dy) => ({ a: () => dy }) });
});

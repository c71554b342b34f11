import {
  applyEpilogue,
  applyLinear,
  type Epilogue,
  type LinearParams,
  type ParamTree,
  type ResidualEpilogue,
  residualLinear,
  residualMlp,
} from '@learngene/nn';
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';

/**
 * Applies a main linear layer, and then its epilogue where it has one. Called inside a tidy.
 *
 * @param params - the sub-tree at `name`; empty where the tree has none.
 * @param x - [N, T, in], see `linearShape`.
 * @param name - dotted name of the layer, 'blocks.3.attn.q'.
 * @param epilogue - GELU after 'mlp.in', x + gate y after 'attn.o' and 'mlp.out', none after the others. {@link
 *   withEpilogue} adds it to a function that applies the layer alone.
 * @returns [N, T, out].
 */
export interface ApplyLinear {
  (params: ParamTree, x: Tensor3D, name: string, epilogue: Epilogue | undefined): Tensor3D;
  /**
   * Applies several layers without an epilogue to one x, 'attn.q', 'attn.k' and 'attn.v' (default: one by one). The sub-trees
   * and names are in the order of the results.
   */
  readonly together?: (params: readonly ParamTree[], x: Tensor3D, names: readonly string[]) => Tensor3D[];
}

/** An {@link ApplyLinear} from a function that applies the layer alone: the epilogue is an op of its own. */
export function withEpilogue(linear: (params: ParamTree, x: Tensor3D, name: string) => Tensor3D): ApplyLinear {
  return (params, x, name, epilogue) => applyEpilogue(linear(params, x, name), epilogue);
}

/** The linear layers of a block: single ones, and the two of the MLP with GELU between them. */
export interface BlockLayers {
  readonly linear: (params: ParamTree, x: Tensor3D, name: string, epilogue?: Epilogue) => Tensor3D;
  /** Several layers of one x, without epilogues. */
  readonly together: (params: readonly ParamTree[], x: Tensor3D, names: readonly string[]) => Tensor3D[];
  /** `name` is that of the MLP, 'blocks.3.mlp'. */
  readonly mlp: (params: ParamTree | undefined, x: Tensor3D, name: string, epilogue: ResidualEpilogue) => Tensor3D;
}

/**
 * The layers of a block, all applied by one function.
 *
 * @throws Error if the function takes fewer than four parameters: it would leave out the epilogues.
 */
export function blockLayers(linear: ApplyLinear): BlockLayers {
  if (linear.length < 4) {
    const expected = 'linear: expected a function of params, x, name and epilogue';
    throw new Error(`${expected}, got one of ${linear.length} parameters (see withEpilogue)`);
  }
  return {
    linear: (params, x, name, epilogue) => linear(params, x, name, epilogue),
    together: linear.together ?? ((params, x, names) => names.map((name, i) => linear(params[i], x, name, undefined))),
    mlp: (params, x, name, epilogue) => {
      const hidden = linear(subTree(params, 'in'), x, `${name}.in`, 'gelu'); // [N, T, M]
      return linear(subTree(params, 'out'), hidden, `${name}.out`, epilogue); // [N, T, D]
    },
  };
}

/** Dense layers, with their epilogues in the kernels of a backend that has them. */
export const denseLayers: BlockLayers = {
  together: (params, x, names) => names.map((name, i) => applyLinear(checkedLayer(params[i], name), x) as Tensor3D),
  linear: (params, x, name, epilogue) => {
    const layer = checkedLayer(params, name);
    if (epilogue === undefined || epilogue === 'gelu')
      return applyEpilogue(applyLinear(layer, x) as Tensor3D, epilogue);
    return residualLinear({ ...epilogue, input: x }, layer);
  },
  mlp: (params, x, name, epilogue) => {
    const [first, last] = ['in', 'out'].map((part) => checkedLayer(subTree(params, part), `${name}.${part}`));
    return residualMlp({ ...epilogue, input: x }, { in: first, out: last });
  },
};

/** A sub-tree; empty where there is none. */
export function subTree(parent: ParamTree | undefined, name: string): ParamTree {
  return (parent?.[name] ?? {}) as ParamTree;
}

function checkedLayer(params: ParamTree, name: string): LinearParams {
  const { weight, bias } = params as { weight?: Tensor2D; bias?: Tensor1D };
  if (!weight) throw new Error(`params: expected ${name}.weight (or a \`linear\` argument), got none`);
  return { weight, bias };
}

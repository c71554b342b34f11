import { blockLinearNames } from '@learngene/dit';
import type { KindModel } from '@learngene/kind';
import type { ParamTree } from '@learngene/nn';
import { type FactoredParams, orthogonalizeFactored } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';

/** Singular values of the learngenes and of every group's tailors, largest first, the mean over the main layers. */
export interface Spectra {
  learngenes: number[];
  tailors: Record<string, number[]>;
}

function layerAt(tree: ParamTree, name: string): FactoredParams {
  let node: unknown = tree;
  for (const part of name.split('.')) node = (node as Record<string, unknown>)[part];
  return node as FactoredParams;
}

function meanSpectrum(tree: ParamTree, names: readonly string[]): number[] {
  const all = names.map((name) => tf.tidy(() => orthogonalizeFactored(layerAt(tree, name)).s.dataSync()));
  const length = Math.max(...all.map((values) => values.length));
  return Array.from({ length }, (_, i) => all.reduce((sum, values) => sum + (values[i] ?? 0), 0) / all.length);
}

/** The spectra of a KIND model. */
export function spectraOf({ config, params }: KindModel): Spectra {
  const names = blockLinearNames(config.dit);
  const tailors = config.groups.map(({ name }) => [name, meanSpectrum(params.tailors[name] as ParamTree, names)]);
  return {
    learngenes: meanSpectrum(params.learngenes as unknown as ParamTree, names),
    tailors: Object.fromEntries(tailors),
  };
}

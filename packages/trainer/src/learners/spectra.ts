import { blockLinearNames } from '@learngene/dit';
import type { KindModel } from '@learngene/kind';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { type FactoredParams, orthogonalizeFactoredAsync } from '@learngene/tensor-svd';
import type { Spectra } from '../contracts/diffusion';

function layerAt(tree: ParamTree, name: string): FactoredParams {
  let node: unknown = tree;
  for (const part of name.split('.')) node = (node as Record<string, unknown>)[part];
  return node as FactoredParams;
}

async function meanSpectrum(tree: ParamTree, names: readonly string[]): Promise<number[]> {
  const all: ArrayLike<number>[] = [];
  for (const name of names) {
    const factors = await orthogonalizeFactoredAsync(layerAt(tree, name));
    all.push(await factors.s.data());
    disposeParams({ ...factors });
  }
  const length = Math.max(...all.map((values) => values.length));
  return Array.from({ length }, (_, i) => all.reduce((sum, values) => sum + (values[i] ?? 0), 0) / all.length);
}

/** The spectra of a KIND model. */
export async function spectraOf({ config, params }: KindModel): Promise<Spectra> {
  const names = blockLinearNames(config.dit);
  const tailors: Record<string, number[]> = {};
  for (const { name } of config.groups) tailors[name] = await meanSpectrum(params.tailors[name] as ParamTree, names);
  return {
    learngenes: await meanSpectrum(params.learngenes as unknown as ParamTree, names),
    tailors,
  };
}

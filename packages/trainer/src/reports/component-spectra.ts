import { blockLinearNames } from '@learngene/dit';
import type { KindModel } from '@learngene/kind';
import { groupByName, type ParamTree } from '@learngene/nn';
import type { Series } from '@learngene/report';
import { componentEnergiesAsync, type FactoredParams } from '@learngene/tensor-svd';

function layerAt(tree: ParamTree, name: string): FactoredParams | undefined {
  let node: unknown = tree;
  for (const part of name.split('.')) node = (node as Record<string, unknown> | undefined)?.[part];
  return node as FactoredParams | undefined;
}

/** Energies s² ‖u‖² ‖v‖² of learngenes or tailors, sorted within each layer and averaged over the layers. */
async function meanSpectrum(tree: ParamTree, names: readonly string[]): Promise<number[]> {
  const spectra: Float64Array[] = [];
  for (const name of names) {
    const layer = layerAt(tree, name);
    if (layer) spectra.push((await componentEnergiesAsync(layer)).sort().reverse());
  }
  const length = Math.max(0, ...spectra.map((spectrum) => spectrum.length));
  return Array.from(
    { length },
    (_, i) => spectra.reduce((sum, spectrum) => sum + (spectrum[i] ?? 0), 0) / spectra.length,
  );
}

/** The spectra of the learngenes and of some groups' tailors, as lines of a chart; none without a finite energy. */
export async function componentSpectra({ config, params }: KindModel, groups: readonly string[]): Promise<Series[]> {
  const names = blockLinearNames(config.dit);
  const line = (name: string, energies: number[]): Series => ({
    name,
    points: energies.flatMap((y, i) => (Number.isFinite(y) ? [{ x: i + 1, y }] : [])),
  });
  const lines = [line('learngenes', await meanSpectrum(params.learngenes, names))];
  for (const group of groups) {
    groupByName(config.groups, group);
    lines.push(line(group, await meanSpectrum(params.tailors[group], names)));
  }
  return lines.filter(({ points }) => points.length > 0);
}

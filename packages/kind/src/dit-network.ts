import {
  blockLinearNames,
  countDitMacs,
  type DitConfig,
  ditTensorShapes,
  linearShape,
  tokenCount,
} from '@learngene/dit';
import type { FactoredLayer, KindNetwork } from './network';

const described = new WeakMap<DitConfig, KindNetwork>();

/**
 * The Diffusion Transformer as KIND sees it: the six main linear layers of every block are factored; label embeddings belong
 * to classes; embeddings of patch and time, adaLN, the final layer and the null label's embedding are shared.
 *
 * @param dit - a valid configuration; its description is made once.
 */
export function ditNetwork(dit: DitConfig): KindNetwork {
  let network = described.get(dit);
  if (network === undefined) described.set(dit, (network = describe(dit)));
  return network;
}

function describe(dit: DitConfig): KindNetwork {
  const { hiddenSize, classes } = dit;
  const tokens = tokenCount(dit);
  const layers = blockLinearNames(dit).map((name): FactoredLayer => {
    const shape = linearShape(dit, name);
    // Xavier's start of DiT takes q, k and v as thirds of one [3D, D] matrix.
    return { name, ...shape, tokens, ...(/attn\.[qkv]$/.test(name) && { fanOut: 3 * shape.out }) };
  });
  const factored = new Set(layers.flatMap(({ name }) => [`${name}.weight`, `${name}.bias`]));
  const dense = [...ditTensorShapes(dit, 'learngene')].filter(
    ([name]) => name !== 'label.table' && !factored.has(name),
  );
  const macs = countDitMacs(dit);
  return {
    name: 'dit',
    classes,
    layers,
    shared: Object.fromEntries([...dense, ['label.null', [1, hiddenSize]]]),
    rows: { 'label.rows': [hiddenSize] },
    denseMacs: macs.total - macs.linear,
    embedding: { rows: 'label.rows', null: 'label.null' },
  };
}

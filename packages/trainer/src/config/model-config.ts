import type { ImageDataset } from '@learngene/datasets';
import { DIT_PRESETS, type DitConfig, ditConfig, ditVariant } from '@learngene/dit';
import { type KindConfig, kindConfig, type TailorGroup } from '@learngene/kind';
import type { Config } from '@learngene/pipeline';
import { networkInput } from '../latents/network-input';

/** A model that a laptop trains in minutes. Fields of the configuration override it. */
const DEFAULT_SIZE = { patchSize: 4, hiddenSize: 192, depth: 6, heads: 6, mlpRatio: 4 };

/** One group of tailors for each class, under the class's name. */
export function groupsOf(classes: readonly string[]): TailorGroup[] {
  return classes.map((name, id) => ({ name, classes: [id], classNames: [name] }));
}

/** The network of a configuration for a dataset, with dense or factored layers. */
export function networkConfig(config: Config, dataset: ImageDataset): DitConfig {
  const { model } = config;
  const { preset, labelDropout, learnSigma, variant, patchSize, hiddenSize, depth, heads, mlpRatio } = model;
  const sizes = { patchSize, hiddenSize, depth, heads, mlpRatio };
  const base: Partial<DitConfig> =
    preset === undefined ? DEFAULT_SIZE : { ...DIT_PRESETS[preset as keyof typeof DIT_PRESETS], mlpRatio: 4 };
  const given = Object.fromEntries(Object.entries(sizes).filter(([, value]) => value !== undefined));
  return ditConfig({
    ...base,
    ...given,
    ...ditVariant(variant),
    ...networkInput(config, dataset),
    classes: dataset.classes.length,
    labelDropout,
    learnSigma,
  });
}

/** The KIND model of a configuration for a dataset. */
export function modelConfig(config: Config, dataset: ImageDataset): KindConfig {
  const { learngeneRank, tailorRank, gate, nullGate } = config.model;
  const dit = networkConfig(config, dataset);
  return kindConfig({ dit, learngeneRank, tailorRank, gate, nullGate, groups: groupsOf(dataset.classes) });
}

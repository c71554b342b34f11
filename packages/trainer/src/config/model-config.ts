import { type ImageDataset, listNames } from '@learngene/datasets';
import { DIT_PRESETS, type DitConfig, ditConfig, ditVariant } from '@learngene/dit';
import { type KindConfig, kindConfig, type TailorGroup, validateTailorGroups } from '@learngene/kind';
import { type Config, ConfigError, classLabels } from '@learngene/pipeline';
import { networkInput } from '../latents/network-input';

/** A model that a laptop trains in minutes, but for its patch. Fields of the configuration override it. */
const DEFAULT_SIZE = { hiddenSize: 192, depth: 6, heads: 6, mlpRatio: 4 };

/** Pixels a side of a token; latents hold more in a position, so that a token has 2x2 of them, or one of few or an odd number. */
function defaultPatchSize({ autoencoder }: Pick<Config, 'autoencoder'>, inputSize: number): number {
  if (autoencoder === undefined) return 4;
  return inputSize < 8 || inputSize % 2 === 1 ? 1 : 2;
}

/**
 * Refuses patches that do not cover what the network denoises.
 *
 * @throws ConfigError that names the size of the images, the autoencoder's downscale and the patch
 */
function checkPatches({ autoencoder }: Pick<Config, 'autoencoder'>, inputSize: number, patchSize: number): void {
  if (inputSize % patchSize === 0) return;
  const downscale = autoencoder?.downscale;
  const [unit, tokens] =
    downscale === undefined
      ? ['pixels', '']
      : ['positions of a latent', `, by the autoencoder's downscale ${downscale}`];
  const size = downscale === undefined ? inputSize : inputSize * downscale;
  throw new ConfigError(
    `model.patchSize: images of ${size} pixels (data.size) have ${inputSize} ${unit} a side${tokens}; expected a divisor of ${inputSize}, got ${patchSize}`,
  );
}

/** One group of tailors for each class, under the class's name. */
export function groupsOf(classes: readonly string[]): TailorGroup[] {
  return classes.map((name, id) => ({ name, classes: [id], classNames: [name] }));
}

/**
 * The groups of a configuration, whose classes are names.
 *
 * @throws ConfigError for a class that is not in the data, one that is in no group or twice in one, and a name used twice
 */
function groupsNamed(groups: NonNullable<Config['model']['groups']>, classes: readonly string[]): TailorGroup[] {
  const named = groups.map(({ name, classes: own, tailorRank }, i): TailorGroup => {
    const ids = classLabels(classes, own, { owner: 'the data', argument: `model.groups[${i}].classes` });
    const classNames = ids.map((id) => classes[id]);
    return { name, classes: ids, classNames, ...(tailorRank !== undefined && { tailorRank }) };
  });
  const missing = classes.filter((_, id) => !named.some((group) => group.classes.includes(id)));
  if (missing.length > 0) {
    throw new ConfigError(`model.groups: expected each class in a group, got none for ${listNames(missing)}`);
  }
  try {
    validateTailorGroups(named, classes.length);
  } catch (cause) {
    throw new ConfigError(`model.${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  return named;
}

/**
 * The network of a configuration for a dataset, with dense or factored layers.
 *
 * @throws ConfigError for images that the autoencoder does not take, and for patches that do not cover them
 */
export function networkConfig(config: Config, dataset: ImageDataset): DitConfig {
  const { model } = config;
  const { preset, labelDropout, learnSigma, variant, patchSize, hiddenSize, depth, heads, mlpRatio } = model;
  const sizes = { patchSize, hiddenSize, depth, heads, mlpRatio };
  const input = networkInput(config, dataset);
  const base: Partial<DitConfig> =
    preset === undefined
      ? { ...DEFAULT_SIZE, patchSize: defaultPatchSize(config, input.inputSize) }
      : { ...DIT_PRESETS[preset as keyof typeof DIT_PRESETS], mlpRatio: 4 };
  const given = Object.fromEntries(Object.entries(sizes).filter(([, value]) => value !== undefined));
  const { patchSize: patch = 1 } = { ...base, ...given };
  checkPatches(config, input.inputSize, patch);
  return ditConfig({
    ...base,
    ...given,
    ...ditVariant(variant),
    ...input,
    classes: dataset.classes.length,
    labelDropout,
    learnSigma,
  });
}

/** The KIND model of a configuration for a dataset. */
export function modelConfig(config: Config, dataset: ImageDataset): KindConfig {
  const { learngeneRank, tailorRank, gate, nullGate, groups } = config.model;
  const dit = networkConfig(config, dataset);
  const { classes } = dataset;
  const given = groups === undefined ? groupsOf(classes) : groupsNamed(groups, classes);
  return kindConfig({ dit, learngeneRank, tailorRank, gate, nullGate, groups: given });
}

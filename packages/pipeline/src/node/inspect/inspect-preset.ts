import { countDitMacs, countDitParams, DIT_PRESETS, type DitConfig, ditConfig } from '@learngene/dit';
import { countKind, countTransferParams, type KindConfig, type KindConfigInput, kindConfig } from '@learngene/kind';
import { ConfigError } from '../../errors';
import { nearestWord } from '../../nearest-word';

/** Height and width of the latents that the presets were published for. */
const INPUT_SIZE = 32;

/** What a published DiT costs. */
export interface PresetInspection {
  /** The preset's name. */
  model: string;
  /** Shapes of the network. */
  config: DitConfig;
  /** Its parameters, by part. */
  parameters: ReturnType<typeof countDitParams>;
  /** Multiply-accumulates of a forward pass. */
  macs: ReturnType<typeof countDitMacs>;
}

/** What a KIND model of a preset's shapes costs. */
export interface KindPresetInspection {
  /** `kind:` and the preset's name. */
  model: string;
  /** Components that all classes share. */
  learngeneRank: number;
  /** Components of one group. */
  tailorRank: number;
  /** Groups of tailors. */
  groups: number;
  /** Parameters that pre-training and a transfer train, those of the dense model, and those of each part. */
  parameters: {
    /** That pre-training trains. */
    pretraining: number;
    /** That a transfer trains. */
    transfer: number;
    /** Of the dense model. */
    dense: number;
    /** Of the KIND model, by part. */
    byPiece: ReturnType<typeof countKind>['params'];
  };
  /** Multiply-accumulates of a class, those of the dense model, and those saved. */
  macsPerClass: {
    /** Of a forward pass of one class. */
    total: number;
    /** Of the dense model. */
    dense: number;
    /** The difference. */
    saved: number;
  };
  /** Bytes of an additional class, of a model of one class, and of the dense model. */
  bytesPerClass: {
    /** Of an additional class. */
    tailors: number;
    /** Of a model of one class. */
    oneClassModel: number;
    /** Of the dense model. */
    dense: number;
  };
  /** Shares of the dense model that are saved, and the share that a transfer trains. */
  saving: {
    /** Multiply-accumulates, in [0, 1]. */
    macs: number;
    /** Parameters of a model of one class, in [0, 1]. */
    parametersOfOneClass: number;
    /** The share that a transfer trains, in [0, 1]. */
    trainableInTransfer: number;
  };
}

/** Shapes of a {@link KindPresetInspection}. */
export interface KindPresetOptions {
  /** Components that all classes share. */
  learngeneRank: number;
  /** Components of one group. */
  tailorRank: number;
  /** Groups of tailors, of one class each. */
  groups: number;
  /** Novel classes of a transfer (default 1). */
  novel?: number;
  /** Input of the network in pixels of latent images (default 32). */
  inputSize?: number;
}

function presetOf(name: string): keyof typeof DIT_PRESETS {
  if (Object.hasOwn(DIT_PRESETS, name)) return name as keyof typeof DIT_PRESETS;
  const presets = Object.keys(DIT_PRESETS);
  const nearest = nearestWord(name, presets);
  const hint = nearest === undefined ? `presets are ${presets.join(', ')}` : `did you mean ${nearest}?`;
  throw new ConfigError(`${name}: no such file, run, bundle or preset; ${hint}`);
}

/**
 * Counts a published DiT.
 *
 * @param inputSize Input of the network in pixels of latent images.
 * @throws ConfigError for a name that is no preset, with one that is near
 */
export function inspectPreset(name: string, inputSize = INPUT_SIZE): PresetInspection {
  const config = ditConfig(presetOf(name), { inputSize });
  return { model: name, config, parameters: countDitParams(config), macs: countDitMacs(config) };
}

/**
 * Counts a KIND model of a preset's shapes.
 *
 * @throws ConfigError for a name that is no preset, and for ranks that the shapes do not allow
 */
export function inspectKindPreset(name: string, options: KindPresetOptions): KindPresetInspection {
  const { learngeneRank, tailorRank, groups, novel = 1, inputSize = INPUT_SIZE } = options;
  const dit = ditConfig(presetOf(name), { inputSize, classes: groups });
  const config = kindConfigOf(`kind:${name}`, { dit, learngeneRank, tailorRank });
  const { params, macs, bytes } = countKind(config);
  const transfer = countTransferParams(config, { groups: novel, classes: novel });
  const group = config.groups[0].name;
  return {
    model: `kind:${name}`,
    learngeneRank,
    tailorRank,
    groups,
    parameters: { pretraining: params.total, transfer, dense: params.dense, byPiece: params },
    macsPerClass: { total: macs.total, dense: macs.dense.total, saved: macs.saved },
    bytesPerClass: { tailors: bytes.tailors[group], oneClassModel: bytes.oneGroup, dense: bytes.dense },
    saving: {
      macs: macs.saved / macs.dense.total,
      parametersOfOneClass: 1 - bytes.oneGroup / bytes.dense,
      trainableInTransfer: 1 - transfer / params.dense,
    },
  };
}

function kindConfigOf(name: string, options: KindConfigInput): KindConfig {
  try {
    return kindConfig(options);
  } catch (error) {
    throw new ConfigError(name, { cause: error });
  }
}

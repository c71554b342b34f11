import { listNames } from '@learngene/datasets';
import type { DitConfig } from '@learngene/dit';
import type { AssembledCounts } from '@learngene/kind';
import type { Config } from '../../config/schema';
import { counted } from '../../counted';
import { autoencoderWords, recipeAutoencoder, sampledShape } from '../../recipe/autoencoder';
import { classNamesOf } from '../../recipe/class-names';
import { VAE_WORDS } from '../identify';
import type { AutoencoderInspection } from './inspect-autoencoder';
import type {
  BundleInspection,
  DenseRunInspection,
  Inspection,
  KindRunInspection,
  TensorsInspection,
} from './inspect-path';
import type { KindPresetInspection, PresetInspection } from './inspect-preset';

/** Rows of a name and a value, for a table. */
export type Rows = readonly (readonly [string, string])[];

/** The last line of a run's log; null where a number was not finite. */
export interface LastMetrics {
  /** Steps done. */
  readonly step: number;
  /** Loss of the training. */
  readonly loss: number | null;
  /** Loss of held-out images, where it was measured. */
  readonly validationLoss?: number | null;
}

/** Tensors that are listed. */
const MOST_TENSORS = 40;

/** 1234567 as `1,234,567`. */
const count = (value: number) => value.toLocaleString('en-US');
const giga = (value: number) =>
  Math.abs(value) >= 1e8 ? `${(value / 1e9).toFixed(2)} G` : `${(value / 1e6).toFixed(2)} M`;
const mebi = (value: number) => `${(value / 2 ** 20).toFixed(2)} MiB`;
const percent = (share: number, digits: number) => `${(100 * share).toFixed(digits)} %`;

/** What an assembled model costs, in a line. */
export function assembledWords({ parameters, macs, bytes }: AssembledCounts): string {
  return `${counted(parameters, 'parameter')}, ${(macs / 1e6).toFixed(2)} M MACs, ${mebi(bytes)}`;
}

/** The rows of a preset. */
export function presetRows({ model, config, parameters, macs }: PresetInspection): Rows {
  const { inputSize, inChannels, classes } = config;
  return [
    ['model', `${model}, ${inputSize}x${inputSize}x${inChannels}, ${counted(classes, 'class', 'classes')}`],
    ['parameters', count(parameters.trainable)],
    ['with position table', count(parameters.total)],
    ['MACs a forward pass', giga(macs.total)],
  ];
}

/** The rows of a preset as a KIND model. */
export function kindPresetRows(kind: KindPresetInspection, novel: number): Rows {
  const { parameters, macsPerClass: macs, bytesPerClass: bytes } = kind;
  const { transfer, dense } = parameters;
  return [
    [
      'model',
      `${kind.model}, ${counted(kind.learngeneRank, 'learngene')} + ${counted(kind.tailorRank, 'tailor')}, ${counted(kind.groups, 'group')}`,
    ],
    ['trainable in pre-training', count(parameters.pretraining)],
    [`trainable in transfer to ${novel}`, `${count(transfer)} (${percent(transfer / dense, 2)} of dense)`],
    ['dense model', `${counted(dense, 'parameter')}, ${giga(macs.dense)}MACs, ${mebi(bytes.dense)}`],
    ['MACs of a class', `${giga(macs.total)} (saves ${giga(macs.saved)}, ${percent(macs.saved / macs.dense, 1)})`],
    ['bytes of one class more', mebi(bytes.tailors)],
    ['bytes of a one-class model', mebi(bytes.oneClassModel)],
  ];
}

function lossText({ step, loss, validationLoss }: LastMetrics): string {
  // JSON has no NaN: a log has null in its place.
  const shown = (value: number | null) => (value === null ? 'not finite' : value.toFixed(5));
  const held = validationLoss === undefined ? '' : `, validation loss ${shown(validationLoss)}`;
  return `step ${step}, loss ${shown(loss)}${held}`;
}

/** What {@link inspectionRows} gives. */
export interface InspectionRows {
  /** The rows. */
  readonly rows: Rows;
  /** How many tensors of a file they leave out. */
  readonly rest: number;
  /** All that is known, as plain data. */
  readonly document: Readonly<Record<string, unknown>>;
}

/**
 * The rows of what lies at a path.
 *
 * @param last - the last line of the log of a run
 */
export function inspectionRows(found: Inspection, last?: LastMetrics): InspectionRows {
  if (found.what === 'autoencoder') return { rows: autoencoderRows(found), rest: 0, document: { ...found } };
  if (found.what === 'bundle') {
    const { config, counts, recipe } = found;
    return { rows: bundleRows(found), rest: 0, document: { config, counts, recipe } };
  }
  if (found.what === 'tensors') {
    const { kind, ...others } = found;
    return { ...tensorRows(found), document: { ...others, what: kind } };
  }
  const { record, parameters, macs, checkpoints } = found;
  const document = { ...record, parameters, macs, checkpoints, lastMetrics: last ?? null };
  return { rows: runRows(found, last), rest: 0, document };
}

function runRows(run: KindRunInspection | DenseRunInspection, last: LastMetrics | undefined): Rows {
  const { command, config, engine } = run.record;
  const ofDense = run.what === 'dense-run' ? ' of a dense DiT' : '';
  const { checkpoints } = run;
  return [
    ['run', `${command}${ofDense}, seed ${config.seed}, engine ${engine}`],
    ...modelRows(run),
    ...recipeRows(run.record.model.dit, config),
    ['checkpoints', checkpoints.length === 0 ? 'none' : checkpoints.join(', ')],
    ['last metrics', last === undefined ? 'none' : lossText(last)],
    ['steps asked for', count(config.training.steps)],
  ];
}

/** The rows of what a model draws and how: the size of its images, the autoencoder of its latents, the process and the sampler. */
function recipeRows(dit: DitConfig, recipe: Pick<Config, 'autoencoder' | 'diffusion' | 'sampling'>): Rows {
  const { height, width, channels } = sampledShape(dit, recipe);
  const latents = `${dit.inputSize}x${dit.inputSize}x${dit.inChannels}`;
  const autoencoder = recipeAutoencoder(recipe);
  const { process, schedule, timesteps, prediction } = recipe.diffusion;
  const { sampler, steps, guidance } = recipe.sampling;
  const gaussian = process === 'flow' ? '' : `, ${schedule} schedule, ${timesteps} timesteps, predicts ${prediction}`;
  return [
    [
      'images',
      `${height}x${width}x${channels}${autoencoder === undefined ? '' : `, decoded from latents of ${latents}`}`,
    ],
    ...(autoencoder === undefined ? [] : [['autoencoder', autoencoderWords(autoencoder)] as const]),
    ['process', `${process}${gaussian}`],
    ['sampler', `${sampler}, ${counted(steps, 'step')}, guidance ${guidance}`],
  ];
}

function modelRows(run: KindRunInspection | DenseRunInspection): Rows {
  const { dit } = run.record.model;
  const shape = `width ${dit.hiddenSize}, depth ${dit.depth}`;
  const parameters = ['parameters', count(run.parameters.total)] as const;
  if (run.what === 'dense-run') {
    const classes = listNames(run.record.model.classNames, Number.POSITIVE_INFINITY);
    return [['model', shape], ['classes', classes], parameters, ['MACs', giga(run.macs.total)]];
  }
  const { model } = run.record;
  const ranks = `${counted(model.learngeneRank, 'learngene')} + ${counted(model.tailorRank, 'tailor')}`;
  return [
    ['model', `${shape}, ${ranks}, ${model.gate} gate`],
    ['classes', listNames(classNamesOf(model), Number.POSITIVE_INFINITY)],
    parameters,
    ['MACs of a class', `${giga(run.macs.total)} (dense ${giga(run.macs.dense.total)})`],
  ];
}

function bundleRows({ config, counts, recipe }: BundleInspection): Rows {
  const { learngeneRank, tailorRank, groups, gate } = config;
  const names = groups.map(({ name }) => name);
  return [
    [
      'bundle',
      `${counted(learngeneRank, 'learngene')} + ${counted(tailorRank, 'tailor')}, ${counted(groups.length, 'group')}, ${gate} gate`,
    ],
    ['groups', listNames(names, 1000)],
    ...(recipe ? recipeRows(config.dit, recipe) : []),
    ['parameters', count(counts.params.total)],
    ['MACs of a class', `${giga(counts.macs.total)} (dense ${giga(counts.macs.dense.total)})`],
    ['bytes', mebi(counts.bytes.total)],
  ];
}

function autoencoderRows(found: AutoencoderInspection): Rows {
  const { name, hash, config, downscale, parameters, dtypes, bytes } = found;
  const { type, imageChannels, latentChannels, scalingFactor, shiftFactor } = config;
  return [
    ['autoencoder', `${name}, ${VAE_WORDS[type]}`],
    ['channels', `${imageChannels} of an image, ${latentChannels} of a latent`],
    ['a latent position', `${downscale}x${downscale} pixels`],
    ['scalingFactor', `${scalingFactor}; a network sees (latents - shiftFactor) * scalingFactor`],
    ['shiftFactor', String(shiftFactor)],
    ['parameters', `${count(parameters)} (${dtypes.join(', ')})`],
    ['size on disk', `${counted(bytes, 'byte')} (${mebi(bytes)})`],
    ['hash', hash],
  ];
}

function tensorRows({ kind, tensors, layout, autoencoder }: TensorsInspection): Omit<InspectionRows, 'document'> {
  const numbers = tensors.reduce((sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1), 0);
  const shown = tensors.slice(0, MOST_TENSORS);
  const rows: Rows = [
    ['file', `${counted(tensors.length, 'tensor')}, ${counted(numbers, 'number')}`],
    ['what', kind],
    ['layout', layout ?? autoencoder?.layout ?? 'not a DiT'],
    ...shown.map(({ name, dtype, shape }) => [`  ${name}`, `${dtype} [${shape.join(', ')}]`] as const),
  ];
  return { rows, rest: tensors.length - shown.length };
}

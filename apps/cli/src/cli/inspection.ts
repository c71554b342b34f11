import { listNames } from '@learngene/datasets';
import { classNamesOf } from '@learngene/pipeline';
import type {
  BundleInspection,
  DenseRunInspection,
  KindPresetInspection,
  KindRunInspection,
  PresetInspection,
  TensorsInspection,
} from '@learngene/pipeline/node';
import type { MetricsLine } from '@learngene/trainer/node';

/** Rows of a name and a value. */
export type Rows = readonly (readonly [string, string])[];

/** Tensors that are listed; --json lists all. */
const MOST_TENSORS = 40;

/** 1234567 as `1,234,567`. */
const count = (value: number) => value.toLocaleString('en-US');
const giga = (value: number) =>
  Math.abs(value) >= 1e8 ? `${(value / 1e9).toFixed(2)} G` : `${(value / 1e6).toFixed(2)} M`;
const mebi = (value: number) => `${(value / 2 ** 20).toFixed(2)} MiB`;
const percent = (share: number, digits: number) => `${(100 * share).toFixed(digits)} %`;

/** The rows of a preset. */
export function presetRows({ model, config, parameters, macs }: PresetInspection): Rows {
  const { inputSize, inChannels, classes } = config;
  return [
    ['model', `${model}, ${inputSize}x${inputSize}x${inChannels}, ${count(classes)} classes`],
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
      `${kind.model}, ${kind.learngeneRank} learngenes + ${kind.tailorRank} tailors, ${count(kind.groups)} groups`,
    ],
    ['trainable in pre-training', count(parameters.pretraining)],
    [`trainable in transfer to ${novel}`, `${count(transfer)} (${percent(transfer / dense, 2)} of dense)`],
    ['dense model', `${count(dense)} parameters, ${giga(macs.dense)}MACs, ${mebi(bytes.dense)}`],
    ['MACs of a class', `${giga(macs.total)} (saves ${giga(macs.saved)}, ${percent(macs.saved / macs.dense, 1)})`],
    ['bytes of one class more', mebi(bytes.tailors)],
    ['bytes of a one-class model', mebi(bytes.oneClassModel)],
  ];
}

function lossText({ step, loss, validationLoss }: MetricsLine): string {
  // JSON has no NaN: a log has null in its place.
  const shown = (value: number | null) => (value === null ? 'not finite' : value.toFixed(5));
  const held = validationLoss === undefined ? '' : `, validation loss ${shown(validationLoss)}`;
  return `step ${step}, loss ${shown(loss)}${held}`;
}

/** The rows of a run. */
export function runRows(run: KindRunInspection | DenseRunInspection, last: MetricsLine | undefined): Rows {
  const { command, config, engine } = run.record;
  const ofDense = run.what === 'dense-run' ? ' of a dense DiT' : '';
  const { checkpoints } = run;
  return [
    ['run', `${command}${ofDense}, seed ${config.seed}, engine ${engine}`],
    ...modelRows(run),
    ['checkpoints', checkpoints.length === 0 ? 'none' : checkpoints.join(', ')],
    ['last metrics', last === undefined ? 'none' : lossText(last)],
    ['steps asked for', count(config.training.steps)],
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
  const ranks = `${model.learngeneRank} learngenes + ${model.tailorRank} tailors`;
  return [
    ['model', `${shape}, ${ranks}, ${model.gate} gate`],
    ['classes', listNames(classNamesOf(model), Number.POSITIVE_INFINITY)],
    parameters,
    ['MACs of a class', `${giga(run.macs.total)} (dense ${giga(run.macs.dense.total)})`],
  ];
}

/** The rows of a bundle. */
export function bundleRows({ config, counts }: BundleInspection): Rows {
  const { learngeneRank, tailorRank, groups, gate } = config;
  const names = groups.map(({ name }) => name);
  return [
    ['bundle', `${learngeneRank} learngenes + ${tailorRank} tailors, ${groups.length} groups, ${gate} gate`],
    ['groups', listNames(names, 1000)],
    ['parameters', count(counts.params.total)],
    ['MACs of a class', `${giga(counts.macs.total)} (dense ${giga(counts.macs.dense.total)})`],
    ['bytes', mebi(counts.bytes.total)],
  ];
}

/** The rows of a file of tensors, and the line after them where there are more. */
export function tensorRows({ kind, tensors, layout }: TensorsInspection): { rows: Rows; more?: string } {
  const numbers = tensors.reduce((sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1), 0);
  const shown = tensors.slice(0, MOST_TENSORS);
  const rows: Rows = [
    ['file', `${count(tensors.length)} tensors, ${count(numbers)} numbers`],
    ['what', kind],
    ['layout', layout ?? 'not a DiT'],
    ...shown.map(({ name, dtype, shape }) => [`  ${name}`, `${dtype} [${shape.join(', ')}]`] as const),
  ];
  const rest = tensors.length - shown.length;
  return { rows, ...(rest > 0 && { more: `  ... and ${rest} more (--json lists all)` }) };
}

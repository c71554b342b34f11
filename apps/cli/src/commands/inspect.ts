import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { listNames } from '@learngene/datasets';
import {
  countDitMacs,
  countDitParams,
  DIT_PRESETS,
  type DitConfig,
  ditConfig,
  ditLayout,
  inferDitConfig,
  type NamedShapes,
} from '@learngene/dit';
import { countKind, countTransferParams, kindConfig } from '@learngene/kind';
import { loadBundle } from '@learngene/kind/node';
import { disposeParams } from '@learngene/nn';
import { classNamesOf, nearestWord } from '@learngene/pipeline';
import {
  checkpointSteps,
  type DenseRunRecord,
  denseFile,
  identify,
  type RunRecord,
  readRunRecord,
} from '@learngene/pipeline/node';
import { openSafetensorsFile } from '@learngene/tensor-io/node';
import { type MetricsLine, readMetricsLog } from '@learngene/trainer/node';
import { Command } from 'commander';
import { type OutputOptions, outputOf, refuseUnused, wholeNumber, withOutputOptions } from '../cli/context';
import { asUsageError, UsageError } from '../cli/errors';
import type { Output } from '../cli/output';
import { startEngine } from '../cli/start-engine';

interface InspectOptions extends OutputOptions {
  learngeneRank?: number;
  tailorRank?: number;
  groups?: number;
  inputSize?: number;
  novel: number;
}

/** 1234567 as `1,234,567`. */
const count = (value: number) => value.toLocaleString('en-US');
const giga = (value: number) =>
  Math.abs(value) >= 1e8 ? `${(value / 1e9).toFixed(2)} G` : `${(value / 1e6).toFixed(2)} M`;
const mebi = (value: number) => `${(value / 2 ** 20).toFixed(2)} MiB`;

function table(output: Output, rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) output.print(`${name.padEnd(width)}  ${value}`);
}

function presetOf(name: string): keyof typeof DIT_PRESETS {
  if (Object.hasOwn(DIT_PRESETS, name)) return name as keyof typeof DIT_PRESETS;
  const presets = Object.keys(DIT_PRESETS);
  const nearest = nearestWord(name, presets);
  const hint = nearest === undefined ? `presets are ${presets.join(', ')}` : `did you mean ${nearest}?`;
  throw new UsageError(`${name}: no such file, run, bundle or preset; ${hint}`);
}

function inspectPreset(name: string, options: InspectOptions, output: Output): void {
  const config = ditConfig(presetOf(name), { inputSize: options.inputSize ?? 32 });
  const parameters = countDitParams(config);
  const macs = countDitMacs(config);
  table(output, [
    [
      'model',
      `${name}, ${config.inputSize}x${config.inputSize}x${config.inChannels}, ${count(config.classes)} classes`,
    ],
    ['parameters', count(parameters.trainable)],
    ['with position table', count(parameters.total)],
    ['MACs a forward pass', giga(macs.total)],
  ]);
  output.result({ model: name, config, parameters, macs });
}

function inspectKindPreset(name: string, options: InspectOptions, output: Output): void {
  const { learngeneRank, tailorRank, groups: classes } = options;
  const preset = presetOf(name);
  if (learngeneRank === undefined || tailorRank === undefined || classes === undefined) {
    throw new UsageError(`kind:${name}: needs --learngene-rank, --tailor-rank and --groups`);
  }
  const dit = ditConfig(preset, { inputSize: options.inputSize ?? 32, classes });
  const config = asUsageError(`kind:${name}`, () => kindConfig({ dit, learngeneRank, tailorRank }));
  const { params, macs, bytes } = countKind(config);
  const transfer = countTransferParams(config, { groups: options.novel, classes: options.novel });
  const group = config.groups[0].name;
  const result = {
    model: `kind:${name}`,
    learngeneRank,
    tailorRank,
    groups: classes,
    parameters: { pretraining: params.total, transfer, dense: params.dense, byPiece: params },
    macsPerClass: { total: macs.total, dense: macs.dense.total, saved: macs.saved },
    bytesPerClass: { tailors: bytes.tailors[group], oneClassModel: bytes.oneGroup, dense: bytes.dense },
    saving: {
      macs: macs.saved / macs.dense.total,
      parametersOfOneClass: 1 - bytes.oneGroup / bytes.dense,
      trainableInTransfer: 1 - transfer / params.dense,
    },
  };
  table(output, [
    ['model', `kind:${name}, ${learngeneRank} learngenes + ${tailorRank} tailors, ${count(classes)} groups`],
    ['trainable in pre-training', count(params.total)],
    [
      `trainable in transfer to ${options.novel}`,
      `${count(transfer)} (${((100 * transfer) / params.dense).toFixed(2)} % of dense)`,
    ],
    ['dense model', `${count(params.dense)} parameters, ${giga(macs.dense.total)}MACs, ${mebi(bytes.dense)}`],
    [
      'MACs of a class',
      `${giga(macs.total)} (saves ${giga(macs.saved)}, ${((100 * macs.saved) / macs.dense.total).toFixed(1)} %)`,
    ],
    ['bytes of one class more', mebi(bytes.tailors[group])],
    ['bytes of a one-class model', mebi(bytes.oneGroup)],
  ]);
  output.result(result);
}

/** The rows on the progress of a run, whatever it trains. */
function progressRows(record: RunRecord, { steps, last }: { steps: readonly number[]; last?: MetricsLine }) {
  return [
    ['checkpoints', steps.length === 0 ? 'none' : steps.join(', ')],
    ['last metrics', last === undefined ? 'none' : `step ${last.step}, loss ${last.loss.toFixed(5)}`],
    ['steps asked for', count(record.config.training.steps)],
  ] as const;
}

function inspectDenseRun(
  record: DenseRunRecord,
  progress: { steps: readonly number[]; last?: MetricsLine },
  output: Output,
): void {
  const { dit, classNames } = record.model;
  const parameters = { total: countDitParams(dit).trainable };
  const macs = countDitMacs(dit);
  table(output, [
    ['run', `${record.command} of a dense DiT, seed ${record.config.seed}, engine ${record.engine}`],
    ['model', `width ${dit.hiddenSize}, depth ${dit.depth}`],
    ['classes', listNames(classNames, Number.POSITIVE_INFINITY)],
    ['parameters', count(parameters.total)],
    ['MACs', giga(macs.total)],
    ...progressRows(record, progress),
  ]);
  output.result({ ...record, parameters, macs, checkpoints: progress.steps, lastMetrics: progress.last ?? null });
}

async function inspectRun(path: string, output: Output): Promise<void> {
  const record = await readRunRecord(path);
  const steps = await checkpointSteps(path);
  const last = readMetricsLog(path).at(-1);
  if (record.kind === 'dense') return inspectDenseRun(record, { steps, last }, output);
  const { model } = record;
  const { params, macs } = countKind(model);
  table(output, [
    ['run', `${record.command}, seed ${record.config.seed}, engine ${record.engine}`],
    [
      'model',
      `width ${model.dit.hiddenSize}, depth ${model.dit.depth}, ${model.learngeneRank} learngenes + ${model.tailorRank} tailors, ${model.gate} gate`,
    ],
    ['classes', listNames(classNamesOf(model), Number.POSITIVE_INFINITY)],
    ['parameters', count(params.total)],
    ['MACs of a class', `${giga(macs.total)} (dense ${giga(macs.dense.total)})`],
    ...progressRows(record, { steps, last }),
  ]);
  output.result({ ...record, parameters: params, macs, checkpoints: steps, lastMetrics: last ?? null });
}

async function inspectBundle(path: string, output: Output): Promise<void> {
  await startEngine('cpu', { ...output, info() {} });
  const { params, config } = await loadBundle(path);
  disposeParams(params);
  const counts = countKind(config);
  table(output, [
    [
      'bundle',
      `${config.learngeneRank} learngenes + ${config.tailorRank} tailors, ${config.groups.length} groups, ${config.gate} gate`,
    ],
    [
      'groups',
      listNames(
        config.groups.map(({ name }) => name),
        1000,
      ),
    ],
    ['parameters', count(counts.params.total)],
    ['MACs of a class', `${giga(counts.macs.total)} (dense ${giga(counts.macs.dense.total)})`],
    ['bytes', mebi(counts.bytes.total)],
  ]);
  output.result({ config, counts });
}

/** The layout of a DiT's file; undefined for anything else. */
function layoutOf(shapes: NamedShapes): string | undefined {
  try {
    return ditLayout(shapes);
  } catch {
    return undefined;
  }
}

/** The configuration that shapes tell; null where they do not tell all of it (the heads of a size that is no preset). */
function configOf(shapes: NamedShapes): DitConfig | null {
  try {
    return inferDitConfig(shapes);
  } catch {
    return null;
  }
}

async function inspectSafetensors(path: string, what: string, output: Output): Promise<void> {
  const file = await openSafetensorsFile(path);
  try {
    const tensors = file.names.map((name) => ({ name, ...file.info(name) }));
    const numbers = tensors.reduce((sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1), 0);
    const shapes = new Map(tensors.map(({ name, dtype, shape }) => [name, { dtype, shape }]));
    const layout = layoutOf(shapes);
    table(output, [
      ['file', `${count(tensors.length)} tensors, ${count(numbers)} numbers`],
      ['what', what],
      ['layout', layout ?? 'not a DiT'],
      ...tensors
        .slice(0, 40)
        .map(({ name, dtype, shape }): [string, string] => [`  ${name}`, `${dtype} [${shape.join(', ')}]`]),
    ]);
    if (tensors.length > 40) output.print(`  ... and ${tensors.length - 40} more (--json lists all)`);
    output.result({
      what,
      tensors: tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
      metadata: file.metadata,
      layout: layout ?? null,
      config: layout === undefined ? null : configOf(shapes),
    });
  } finally {
    await file.close();
  }
}

/** `learngene inspect`: what is in a preset, a run, a bundle or a file. */
export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description('Show parameters, MACs and contents of a preset, a run, a bundle or a safetensors file')
    .argument('<what>', 'DiT-L/2, kind:DiT-L/2, a run folder, a bundle folder or a .safetensors file')
    .option('--learngene-rank <n>', 'components that all classes share', wholeNumber('--learngene-rank', 1))
    .option('--tailor-rank <n>', 'components of one group', wholeNumber('--tailor-rank', 1))
    .option('--groups <n>', 'groups of tailors, one class each', wholeNumber('--groups', 1))
    .option('--novel <n>', 'novel classes of a transfer', wholeNumber('--novel', 1), 1)
    .option('--input-size <pixels>', 'input of the network (latent pixels)', wholeNumber('--input-size', 1));
  withOutputOptions(command, [
    'learngene inspect DiT-L/2',
    'learngene inspect kind:DiT-L/2 --learngene-rank 256 --tailor-rank 100 --groups 150 --json',
    'learngene inspect runs/demo/pretrain',
    'learngene inspect runs/demo/bundle',
  ]);
  return command.action(async (what: string, options: InspectOptions) => {
    const output = outputOf(options);
    const ofKind = ['learngeneRank', 'tailorRank', 'groups', 'novel'];
    if (what.startsWith('kind:')) return inspectKindPreset(what.slice('kind:'.length), options, output);
    if (!existsSync(what)) {
      refuseUnused(command, ofKind, `has a part only for kind:${what}`);
      return inspectPreset(what, options, output);
    }
    refuseUnused(command, [...ofKind, 'inputSize'], `has no part: ${what} is there and says its own sizes`);
    const artifact = await identify(what);
    if (what.endsWith('.safetensors') && statSync(what).isFile())
      return inspectSafetensors(what, artifact.what, output);
    switch (artifact.kind) {
      case 'bundle':
        return inspectBundle(what, output);
      case 'run':
        return inspectRun(what, output);
      case 'demo':
        output.info(`${what} is ${artifact.what}; this is the first`);
        return inspectRun(join(what, 'pretrain'), output);
      case 'dense':
        return inspectSafetensors(denseFile(what), artifact.what, output);
      default:
        throw new UsageError(
          `${what}: expected a run, a bundle, a demo or a .safetensors file; this is ${artifact.what}`,
        );
    }
  });
}

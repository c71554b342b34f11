import { existsSync } from 'node:fs';
import { SHIPPED_AUTOENCODERS } from '@learngene/pipeline';
import {
  type Inspection,
  inspectionRows,
  inspectKindPreset,
  inspectPath,
  inspectPreset,
  kindPresetRows,
  presetRows,
} from '@learngene/pipeline/node';
import { inspectLatents, isLatentFolder, readMetricsLog } from '@learngene/trainer/node';
import { Command } from 'commander';
import { type OutputOptions, outputOf, refuseUnused, wholeNumber, withOutputOptions } from '../cli/context';
import { UsageError } from '../cli/errors';
import { type Output, printTable } from '../cli/output';
import { startEngine } from '../cli/start-engine';

interface InspectOptions extends OutputOptions {
  learngeneRank?: number;
  tailorRank?: number;
  groups?: number;
  inputSize?: number;
  novel: number;
}

function printPreset(name: string, { inputSize }: InspectOptions, output: Output): void {
  const preset = inspectPreset(name, inputSize);
  printTable(output, presetRows(preset));
  output.result(preset);
}

function printKindPreset(name: string, options: InspectOptions, output: Output): void {
  const { learngeneRank, tailorRank, groups, novel, inputSize } = options;
  if (learngeneRank === undefined || tailorRank === undefined || groups === undefined) {
    inspectPreset(name); // a name that is no preset comes first
    throw new UsageError(`kind:${name}: needs --learngene-rank, --tailor-rank and --groups`);
  }
  const kind = inspectKindPreset(name, { learngeneRank, tailorRank, groups, novel, inputSize });
  printTable(output, kindPresetRows(kind, novel));
  output.result(kind);
}

function printInspection(found: Inspection, output: Output): void {
  const isRun = found.what === 'kind-run' || found.what === 'dense-run';
  const last = isRun ? readMetricsLog(found.path).at(-1) : undefined;
  const { rows, rest, document } = inspectionRows(found, last);
  printTable(output, rows);
  if (rest > 0) output.print(`  ... and ${rest} more (--json lists all)`);
  output.result(document);
}

/** `learngene inspect`: what is in a preset, a run, a bundle or a file. */
export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description(
      'Show parameters, MACs and contents of a preset, a run, a bundle, latents, an autoencoder or a file of tensors',
    )
    .argument('<what>', 'DiT-L/2, kind:DiT-L/2, emoji, a folder of such a thing, or a .safetensors, .pt or .pth file')
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
    'learngene inspect emoji',
  ]);
  return command.action(async (what: string, options: InspectOptions) => {
    const output = outputOf(options);
    const ofKind = ['learngeneRank', 'tailorRank', 'groups', 'novel'];
    if (what.startsWith('kind:')) return printKindPreset(what.slice('kind:'.length), options, output);
    if (!existsSync(what) && !SHIPPED_AUTOENCODERS.some((name) => name === what)) {
      refuseUnused(command, ofKind, `has a part only for kind:${what}`);
      return printPreset(what, options, output);
    }
    refuseUnused(command, [...ofKind, 'inputSize'], `has no part: ${what} is there and says its own sizes`);
    if (isLatentFolder(what)) {
      const { latents, rows } = await inspectLatents(what);
      printTable(output, rows);
      return output.result(latents);
    }
    const needEngine = () => startEngine('cpu', output);
    printInspection(await inspectPath(what, { needEngine, progress: output }), output);
  });
}

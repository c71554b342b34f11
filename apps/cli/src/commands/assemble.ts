import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { listNames } from '@learngene/datasets';
import { ditConfigToDiffusers, ditToDiffusers, ditToFacebook, ditVariant } from '@learngene/dit';
import { type AssemblyBudget, assembleDense, assembleFactoredAsync, countAssembled } from '@learngene/kind';
import { saveBundle } from '@learngene/kind/node';
import { paramsToTensorData } from '@learngene/nn';
import { bundleMetadata } from '@learngene/pipeline';
import {
  DIFFUSERS_FILE,
  denseMetadata,
  describeModel,
  loadModel,
  modelFolder,
  modelGroups,
} from '@learngene/pipeline/node';
import { writeFileAtomic, writeSafetensors } from '@learngene/tensor-io/node';
import { Command, Option } from 'commander';
import { type ClassOptions, namedClasses, withClassOptions } from '../cli/classes';
import {
  type EngineOption,
  number,
  type OutputOptions,
  outputOf,
  refuseUnused,
  withEngineOption,
  withOutputOptions,
} from '../cli/context';
import { asUsageError, UsageError } from '../cli/errors';
import { startEngine } from '../cli/start-engine';
import { BUNDLE_ENTRIES, checkTarget, withForceOption } from '../cli/target';

/** The files of `--layout diffusers`. */
const DIFFUSERS_ENTRIES = ['config.json', DIFFUSERS_FILE];

interface AssembleOptions extends OutputOptions, EngineOption, ClassOptions {
  from: string;
  out: string;
  form: 'factored' | 'dense';
  layout: 'learngene' | 'facebook' | 'diffusers';
  parameters?: number;
  macs?: number;
  bytes?: number;
  force: boolean;
}

function budgetOf({ parameters, macs, bytes }: AssembleOptions): AssemblyBudget | undefined {
  const given = Object.fromEntries(
    Object.entries({ parameters, macs, bytes }).filter(([, value]) => value !== undefined),
  );
  return Object.keys(given).length === 0 ? undefined : (given as AssemblyBudget);
}

/** `learngene assemble`: learngenes and chosen tailors, to a budget. */
export function assembleCommand(): Command {
  const command = new Command('assemble')
    .description('Put a model together for some classes and the budget of a device')
    .requiredOption('--from <path>', 'bundle or run')
    .requiredOption('--out <path>', 'factored: a bundle folder; dense: a .safetensors file (diffusers: a folder)')
    .addOption(
      new Option('--form <form>', 'factored keeps the pieces; dense is a plain DiT of one group')
        .choices(['factored', 'dense'])
        .default('factored'),
    )
    .addOption(
      new Option('--layout <keys>', 'names of the tensors of a dense model')
        .choices(['learngene', 'facebook', 'diffusers'])
        .default('learngene'),
    )
    .option('--parameters <n>', 'budget: numbers in all files', number('--parameters', 1))
    .option('--macs <n>', 'budget: multiply-accumulates of the dearest class', number('--macs', 1))
    .option('--bytes <n>', 'budget: bytes in all files', number('--bytes', 1));
  withClassOptions(command, 'groups of classes to keep (default: all)');
  withForceOption(command);
  withEngineOption(command);
  withOutputOptions(command, [
    'learngene assemble --from bundle --classes heart,arrow --out small',
    'learngene assemble --from bundle --classes heart --bytes 2e6 --out tiny',
    'learngene assemble --from bundle --classes heart --form dense --layout facebook --out heart.safetensors',
  ]);
  return command.action(async (options: AssembleOptions) => {
    const output = outputOf(options);
    const budget = budgetOf(options);
    if (options.form === 'dense' && budget !== undefined) {
      throw new UsageError('--form dense has the size of the dense model; budgets are for --form factored');
    }
    if (options.form === 'factored') refuseUnused(command, ['layout'], 'has a part only in --form dense');
    const endings = options.form === 'dense' && options.layout !== 'diffusers' ? ['.safetensors'] : [];
    const holds = options.form === 'factored' ? BUNDLE_ENTRIES : DIFFUSERS_ENTRIES;
    checkTarget(options.out, { option: '--out', endings, force: options.force, holds, sources: [options.from] });
    const named = namedClasses(options);
    const from = await modelFolder(options.from, { progress: output, argument: '--from' });
    const { model: described, config } = await describeModel(from);
    const groups = named === undefined ? undefined : modelGroups(described.groups, named, '--classes');
    if (options.form === 'dense' && (groups ?? described.groups).length !== 1) {
      const all = listNames(
        described.groups.map(({ name }) => name),
        40,
      );
      throw new UsageError(`--form dense: give one of --classes ${all}; a dense model has one weight`);
    }
    await startEngine(options.engine, output);
    const { model } = await loadModel(from, groups);
    const factored = await assembleFactoredAsync(model, {
      ...(groups === undefined ? {} : { groups }),
      ...(budget === undefined ? {} : { budget }),
    });
    if (options.form === 'factored') {
      await saveBundle(options.out, factored, { metadata: bundleMetadata(config), replace: options.force });
      const before = countAssembled(model);
      const after = countAssembled(factored);
      output.print(
        `${options.out}: ${after.parameters.toLocaleString('en-US')} parameters, ${(after.macs / 1e6).toFixed(2)} M MACs, ${(after.bytes / 2 ** 20).toFixed(2)} MiB`,
      );
      output.result({
        out: options.out,
        form: 'factored',
        before,
        after,
        groups: factored.config.groups.map(({ name }) => name),
      });
      return;
    }
    const dense = assembleDense(factored);
    const tensors = await paramsToTensorData(dense.params);
    const metadata = denseMetadata(dense.config, {
      classes: factored.config.groups[0].classNames ?? [factored.config.groups[0].name],
      recipe: bundleMetadata(config).config,
    });
    if (options.layout === 'diffusers') {
      // As diffusers' own converter does, but said: its timesteps have other frequencies than facebookresearch's.
      if (dense.config.frequencyShift !== 1) {
        output.warn(
          `${options.out}: diffusers embeds timesteps a little differently from this model, so images drawn there differ; learngene reads it as it is (train with model.variant diffusers for the same)`,
        );
      }
      const described = asUsageError('--layout diffusers', () =>
        ditConfigToDiffusers({ ...dense.config, ...ditVariant('diffusers') }),
      );
      await mkdir(options.out, { recursive: true });
      await writeFileAtomic(join(options.out, 'config.json'), `${JSON.stringify(described, null, 2)}\n`);
      await writeSafetensors(join(options.out, DIFFUSERS_FILE), ditToDiffusers(tensors, dense.config), { metadata });
    } else {
      await mkdir(dirname(options.out), { recursive: true });
      const named = options.layout === 'facebook' ? ditToFacebook(tensors, dense.config) : tensors;
      await writeSafetensors(options.out, named, { metadata });
    }
    output.print(`${options.out}: dense DiT, ${tensors.size} tensors, ${options.layout} keys`);
    output.result({ out: options.out, form: 'dense', layout: options.layout, config: dense.config });
  });
}

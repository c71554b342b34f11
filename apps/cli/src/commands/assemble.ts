import { listNames } from '@learngene/datasets';
import { assembledConfig, assembleFactoredAsync, countAssembled, openedGates } from '@learngene/kind';
import { saveBundle } from '@learngene/kind/node';
import { bundleMetadata, counted } from '@learngene/pipeline';
import {
  assembledWords,
  type DenseLayout,
  DIFFUSERS_FILE,
  describeModel,
  loadModel,
  modelFolder,
  modelGroups,
  writeDense,
} from '@learngene/pipeline/node';
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
import { UsageError } from '../cli/errors';
import { startEngine } from '../cli/start-engine';
import { BUNDLE_ENTRIES, checkTarget, withForceOption } from '../cli/target';

/** The files of `--layout diffusers`. */
const DIFFUSERS_ENTRIES = ['config.json', DIFFUSERS_FILE];

interface AssembleOptions extends OutputOptions, EngineOption, ClassOptions {
  from: string;
  out: string;
  form: 'factored' | 'dense';
  layout: DenseLayout;
  parameters?: number;
  macs?: number;
  bytes?: number;
  force: boolean;
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
    const { parameters, macs, bytes } = options;
    const budget = (parameters ?? macs ?? bytes) === undefined ? undefined : { parameters, macs, bytes };
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
    if (options.form === 'dense' && openedGates(assembledConfig(described, groups).groups).length !== 1) {
      const names = described.groups.map(({ name }) => name);
      const all = listNames(names, 40);
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
      const [before, after] = [countAssembled(model), countAssembled(factored)];
      output.print(`${options.out}: ${assembledWords(after)}`);
      const names = factored.config.groups.map(({ name }) => name);
      output.result({ out: options.out, form: 'factored', before, after, groups: names });
      return;
    }
    const { layout } = options;
    const dense = await writeDense(options.out, factored, { layout, config, argument: '--layout', progress: output });
    output.print(`${options.out}: dense DiT, ${counted(dense.tensors, 'tensor')}, ${layout} keys`);
    output.result({ out: options.out, form: 'dense', layout, config: dense.config });
  });
}

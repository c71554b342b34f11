import { saveBundle } from '@learngene/kind/node';
import { bundleMetadata } from '@learngene/pipeline';
import { bundleFiles, describeModel, expectArtifact, loadModel, modelFolder } from '@learngene/pipeline/node';
import { Command } from 'commander';
import { type EngineOption, type OutputOptions, outputOf, withEngineOption, withOutputOptions } from '../cli/context';
import { startEngine } from '../cli/start-engine';
import { BUNDLE_ENTRIES, checkTarget, withForceOption } from '../cli/target';

interface DecomposeOptions extends OutputOptions, EngineOption {
  from: string;
  out: string;
  force: boolean;
}

/** `learngene decompose`: a run comes apart into learngenes and one file a group. */
export function decomposeCommand(): Command {
  const command = new Command('decompose')
    .description('Take a trained model apart: learngenes, shared parts, and one file of tailors a group')
    .requiredOption('--from <run>', 'run folder')
    .requiredOption('--out <folder>', 'bundle to write');
  withForceOption(command);
  withEngineOption(command);
  withOutputOptions(command, ['learngene decompose --from runs/emoji --out bundle']);
  return command.action(async (options: DecomposeOptions) => {
    const output = outputOf(options);
    await expectArtifact(options.from, { option: '--from', kinds: ['run', 'demo'], expected: 'a run' });
    const from = await modelFolder(options.from, { progress: output, argument: '--from' });
    const { out, force } = options;
    checkTarget(out, { option: '--out', force, holds: BUNDLE_ENTRIES, sources: [from] });
    await describeModel(from);
    await startEngine(options.engine, output);
    const { model, config } = await loadModel(from);
    await saveBundle(options.out, model, { metadata: bundleMetadata(config), replace: options.force });
    const files = await bundleFiles(options.out);
    for (const { file, bytes } of files) output.print(`${String(bytes).padStart(12)}  ${file}`);
    output.result({ out: options.out, files });
  });
}

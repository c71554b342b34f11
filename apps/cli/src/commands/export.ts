import { exportPeft, exportWords, modelFolder, PEFT_FILES } from '@learngene/pipeline/node';
import { Command, Option } from 'commander';
import { type ClassOptions, namedClasses, withClassOptions } from '../cli/classes';
import { type EngineOption, type OutputOptions, outputOf, withEngineOption, withOutputOptions } from '../cli/context';
import { startEngine } from '../cli/start-engine';
import { checkTarget, withForceOption } from '../cli/target';

interface ExportOptions extends OutputOptions, EngineOption, ClassOptions {
  out: string;
  force: boolean;
}

/** `learngene export`: learngenes and one class for other programs. */
export function exportCommand(): Command {
  const command = new Command('export')
    .description('Write the learngenes as a model of diffusers, and a class as a LoRA adapter of PEFT for it')
    .argument('<from>', 'bundle or run')
    .requiredOption('--out <folder>', `folder to write: ${Object.values(PEFT_FILES).join(', ')}`)
    .addOption(new Option('--as <format>', 'what for').choices(['peft']).makeOptionMandatory());
  withClassOptions(command, 'the class, or classes of one group (default: none, a model to train adapters on)');
  withForceOption(command);
  withEngineOption(command);
  withOutputOptions(command, ['learngene export bundle --class owl --as peft --out owl']);
  return command.action(async (path: string, options: ExportOptions) => {
    const output = outputOf(options);
    const { out, force: replace } = options;
    const from = await modelFolder(path, { progress: output, argument: '<from>' });
    checkTarget(out, { option: '--out', force: replace, holds: Object.values(PEFT_FILES), sources: [from] });
    const needEngine = () => startEngine(options.engine, output);
    const done = await exportPeft(from, out, { classes: namedClasses(options), replace, needEngine, progress: output });
    output.print(`${out}: ${exportWords(done)}`);
    output.result({ out, ...done });
  });
}

import { CONFIG_KINDS, type ConfigKind, configReference, writeConfigSchema } from '@learngene/trainer/node';
import { Command, Option } from 'commander';
import { type OutputOptions, outputOf, refuseUnused, withOutputOptions } from '../cli/context';
import { printTable } from '../cli/output';
import { checkTarget, withForceOption } from '../cli/target';

interface ConfigOptions extends OutputOptions {
  of: ConfigKind;
  jsonSchema?: string;
  force: boolean;
}

/** `learngene config`: what may stand in a configuration. */
export function configCommand(): Command {
  const command = new Command('config')
    .description('Print the keys of a configuration with their meaning, range and default')
    .argument('[key]', 'a key or a section of keys (default: all)')
    .addOption(new Option('--of <command>', 'whose configuration').choices([...CONFIG_KINDS]).default('train'))
    .option('--json-schema <file>', 'write a JSON schema instead, by which editors check and complete a file');
  withForceOption(command);
  withOutputOptions(command, [
    'learngene config',
    'learngene config training.steps',
    'learngene config --of vae --json-schema vae.schema.json',
  ]);
  return command.action(async (key: string | undefined, options: ConfigOptions) => {
    const output = outputOf(options);
    const { of, jsonSchema: file, force } = options;
    if (file === undefined) {
      refuseUnused(command, ['force'], 'has a part only with --json-schema');
      const { keys, rows } = configReference(of, key);
      printTable(output, rows);
      output.result(keys);
      return;
    }
    checkTarget(file, { option: '--json-schema', endings: ['.json'], force });
    await writeConfigSchema(of, file);
    output.print(`Wrote ${file}; a configuration names it by "$schema"`);
    output.result({ file });
  });
}

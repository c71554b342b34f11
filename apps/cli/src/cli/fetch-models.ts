import { isHubAddress, modelPath } from '@learngene/pipeline/node';
import type { Command } from 'commander';
import { UsageError } from './errors';
import { createOutput, type OutputOptions } from './output';

/** Options and arguments that take a model, by their names; `--vae` takes an address itself and keeps it in the recipe. */
const MODELS = ['from', 'initFrom', 'model', 'what', 'source', 'other', 'inception'];
const KEPT = ['vae'];

/** Gives a command the files of the models that `hf://owner/name` names; where no model is taken, such an address is refused. */
export function fetchModels(command: Command): void {
  command.hook('preAction', async (_, called) => {
    if (called !== command) return;
    const progress = createOutput(called.opts<OutputOptions>());
    const fetched = async (name: string, label: string, value: unknown) => {
      if (typeof value !== 'string' || !isHubAddress(value) || KEPT.includes(name)) return value;
      if (MODELS.includes(name)) return modelPath(value, { progress, argument: label });
      throw new UsageError(`${label}: expected a path on this machine, got ${value}`);
    };
    for (const option of called.options) {
      const name = option.attributeName();
      const value = await fetched(name, option.long ?? name, called.getOptionValue(name));
      if (value !== called.getOptionValue(name)) called.setOptionValueWithSource(name, value, 'cli');
    }
    for (const [i, argument] of called.registeredArguments.entries()) {
      called.processedArgs[i] = await fetched(argument.name(), argument.name(), called.processedArgs[i]);
    }
  });
}

import type { Command } from 'commander';

/** Lets a command complain of an unknown option before a required one that is missing: `--uot x` is meant as `--out x`. */
export function unknownOptionsFirst(command: Command): void {
  const required = command.options.filter(({ mandatory }) => mandatory);
  for (const option of required) option.mandatory = false;
  command.hook('preAction', (_, called) => {
    const missing = required.find((option) => called.getOptionValue(option.attributeName()) === undefined);
    if (missing && called === command) called.error(`error: required option '${missing.flags}' not specified`);
  });
}

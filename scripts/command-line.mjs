// What the scripts share: their command lines. `--help` prints the comment at the head of a script's file, and an option
// that is unknown or no number ends it with exit code 2. Usage: import { commandLine } from './command-line.mjs'
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** The comment at the head of a file, without its slashes. */
export function headComment(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const first = lines.findIndex((line) => line.startsWith('//'));
  const end = lines.findIndex((line, i) => i > first && !line.startsWith('//'));
  return lines.slice(first, end).map((line) => line.replace(/^\/\/ ?/, ''));
}

function refuse(message) {
  console.error(`${message}\n(--help shows the options)`);
  process.exit(2);
}

/**
 * Reads the command line of a script.
 *
 * @param url `import.meta.url` of the script
 * @param options as for `parseArgs`; those of `type: 'number'` take whole numbers of at least `minimum` (default 1)
 * @returns `values` by name, and `positionals` where they are allowed
 */
export function commandLine(url, options = {}, { positionals: allowPositionals = false } = {}) {
  if (process.argv.slice(2).some((arg) => arg === '--help' || arg === '-h')) {
    console.log(headComment(fileURLToPath(url)).join('\n'));
    process.exit(0);
  }
  const plain = Object.fromEntries(
    Object.entries(options).map(([name, option]) => {
      const { minimum: _, ...rest } = option;
      const text = rest.default === undefined ? {} : { default: String(rest.default) };
      return [name, rest.type === 'number' ? { type: 'string', ...text } : rest];
    }),
  );
  let parsed;
  try {
    parsed = parseArgs({ options: plain, allowPositionals });
  } catch (error) {
    refuse(error.message);
  }
  const values = { ...parsed.values };
  for (const [name, { type, minimum = 1 }] of Object.entries(options)) {
    if (type !== 'number' || values[name] === undefined) continue;
    const value = Number(values[name]);
    if (values[name].trim() === '' || !Number.isSafeInteger(value) || value < minimum) {
      refuse(`--${name}: expected a whole number of at least ${minimum}, got ${values[name]}`);
    }
    values[name] = value;
  }
  return { values, positionals: parsed.positionals };
}

// The reference of the configuration, made from what `learngene config` prints.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../../../docs/.vitepress/pages.mjs';

const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('{', '&#123;');
const code = (value) =>
  value === undefined
    ? ''
    : `\`${(typeof value === 'string' ? value : JSON.stringify(value)).replaceAll('|', '\\|')}\``;

/** Every key of the configuration of a command: its name, its meaning, the values that it takes, its default. */
function keysOf(command) {
  const program = join(ROOT, 'apps', 'cli', 'bin', 'learngene.mjs');
  return JSON.parse(
    execFileSync(process.execPath, [program, 'config', '--of', command, '--json'], { encoding: 'utf8' }),
  );
}

/** A section with its keys; keys that stand alone come first, without a heading. */
function tables(keys, depth) {
  const lines = [];
  const open = () => lines.push('', '| key | meaning | values | default |', '|---|---|---|---|');
  let begun = false;
  for (const { key, meaning, range, default: value } of keys) {
    if (range === undefined) {
      lines.push(
        '',
        `${'#'.repeat(depth)} ${key}`,
        ...(meaning === '' ? [] : [`${meaning[0].toUpperCase()}${meaning.slice(1)}.`]),
      );
      begun = false;
      continue;
    }
    if (!begun) open();
    begun = true;
    lines.push(`| \`${key}\` | ${cell(meaning)} | ${cell(range)} | ${code(value)} |`);
  }
  return lines;
}

/** The page as Markdown. */
export function writeConfigReference() {
  return [
    '# Configuration',
    'Every key of the JSON file that `train --config` reads. `--set key=value` sets one of them; `learngene config` prints this list, and',
    '`learngene config --json-schema file.json` writes a schema by which editors check and complete a file.',
    ...tables(keysOf('train'), 2),
    '',
    '## Of an autoencoder',
    'What `vae train --config` reads: `learngene config --of vae`.',
    ...tables(keysOf('vae'), 3),
    '',
  ].join('\n');
}

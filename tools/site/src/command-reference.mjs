// The reference of the command, made from the help that it prints.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../../../docs/.vitepress/pages.mjs';
import { parseHelp } from './parse-help.mjs';

function helpOf(words) {
  const program = join(ROOT, 'apps', 'cli', 'bin', 'learngene.mjs');
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' };
  return parseHelp(execFileSync(process.execPath, [program, ...words, '--help'], { encoding: 'utf8', env }));
}

// That an option is off where it is not given needs no word.
const cell = (text) =>
  text
    .replace(/ \(default: (false|\[\]|\{\})\)/, '')
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;');
const code = (text) => `\`${text.replaceAll('|', '\\|')}\``;

/** Options that every command has; they stand once, at the end of the page. */
const EVERYWHERE = ['--json', '--quiet', '--debug', '--help'];
const isEverywhere = ({ term }) => EVERYWHERE.some((option) => term.split(/[ ,]+/).includes(option));

const table = (head, rows) =>
  rows.length === 0
    ? []
    : [`| ${head} | |`, '|---|---|', ...rows.map(({ term, text }) => `| ${code(term)} | ${cell(text)} |`), ''];

/** The sections of a command and of its own commands. */
function sections(words, depth) {
  const { usage, description, parts } = helpOf(words);
  const own = (parts.Options ?? []).filter((option) => !isEverywhere(option));
  const commands = (parts.Commands ?? []).map(({ term }) => term.split(' ')[0]).filter((name) => name !== 'help');
  return [
    `${'#'.repeat(depth)} learngene ${words.join(' ')}`,
    `${description}.`,
    '',
    ...(commands.length > 0 ? [] : ['```sh', usage, '```', '']),
    ...table('argument', parts.Arguments ?? []),
    ...(commands.length > 0 ? [] : table('option', own)),
    ...(parts.Examples ? ['```sh', ...parts.Examples, '```', ''] : []),
    ...commands.flatMap((name) => sections([...words, name], depth + 1)),
  ];
}

/** The page as Markdown. */
export function writeCommandReference() {
  const { parts } = helpOf([]);
  const names = parts.Commands.map(({ term, text }) => ({ term: term.split(' ')[0], text })).filter(
    ({ term }) => term !== 'help',
  );
  const everywhere = helpOf(['sample']).parts.Options.filter(isEverywhere);
  return [
    '# The command',
    'What `learngene` prints for `--help`, command by command. [`@learngene/cli`](../../apps/cli/README.md) says how the commands',
    'play together, what the exit codes are, and how classes and data are named.',
    '',
    '| command | |',
    '|---|---|',
    ...names.map(({ term, text }) => `| [\`learngene ${term}\`](#learngene-${term}) | ${cell(text)} |`),
    '',
    ...names.flatMap(({ term }) => sections([term], 2)),
    '## Options of every command',
    ...table('option', everywhere),
  ].join('\n');
}

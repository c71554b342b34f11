import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { succeed } from './run';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const GROUPS = ['data', 'bundle', 'bench', 'vae'];

/** A call of the command on a page: its words before the first option, and the names of its options. */
interface Call {
  text: string;
  words: string[];
  options: string[];
}

/** The calls of the command in the blocks of a page that are for a shell. */
function callsOf(page: string): Call[] {
  const blocks = [...page.matchAll(/^```(?:sh|console)( fails)?\n([\s\S]*?)^```/gm)].filter(([, fails]) => !fails);
  const lines = blocks.flatMap(([, , body]) => body.replace(/\\\n\s*/g, ' ').split('\n'));
  return lines.flatMap((line) => {
    const call = /^(?:\$ )?(?:npx )?learngene ([^#|&;]+)/.exec(line)?.[1];
    if (call === undefined) return [];
    const words = call
      .replace(/'[^']*'/g, 'quoted')
      .trim()
      .split(/\s+/);
    const options = words.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.split('=')[0]);
    return [{ text: line, words: words.slice(0, GROUPS.includes(words[0]) ? 2 : 1), options }];
  });
}

const helps = new Map<string, Promise<string>>();

/** What a command prints for `--help`; asked once. */
function helpOf(words: readonly string[]): Promise<string> {
  const name = words.join(' ');
  if (!helps.has(name))
    helps.set(
      name,
      succeed(...words, '--help').then(({ stdout }) => stdout),
    );
  return helps.get(name)!;
}

/** What of a call the command does not have. */
async function unknownIn({ text, words, options }: Call): Promise<string[]> {
  if (words[0].startsWith('-') || words[0] === 'help') return [];
  const [own] = (await helpOf(words)).split('\nExamples:');
  if (!own.startsWith(`Usage: learngene ${words.join(' ')}`)) return [`${text}: there is no ${words.join(' ')}`];
  const has = (option: string) => new RegExp(`^ {2}(-\\w, )?${option}\\b(?!-)`, 'm').test(own);
  return options.filter((option) => !has(option)).map((option) => `${text}: there is no ${option}`);
}

test('an option and a command that are not there are found', async () => {
  const page =
    '```sh\nlearngene sample --from x --uot y.png   # --none\nlearngene bundle ad x\nlearngene bundle add a b\n```';
  const found = (await Promise.all(callsOf(page).map(unknownIn))).flat();
  expect(found).toEqual([expect.stringMatching(/no --uot$/), expect.stringMatching(/no bundle ad$/)]);
});

describe('the commands of the pages', () => {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: root });
  const names = String(listed).trim().split('\n');
  const pages = names.filter((name) => !/^(docs\/decisions|\.changeset)\//.test(name));
  const withCalls = pages.flatMap((name): [string, Call[]][] => {
    const calls = callsOf(readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8'));
    return calls.length > 0 ? [[name, calls]] : [];
  });
  test.each(withCalls)('of %s exist, with their options', async (_, calls) => {
    expect((await Promise.all(calls.map(unknownIn))).flat()).toEqual([]);
  });
});

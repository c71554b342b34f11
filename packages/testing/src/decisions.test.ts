import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const folder = fileURLToPath(new URL('../../../docs/decisions', import.meta.url));

/** The decisions by the number that their names begin with. */
const decisions = readdirSync(folder)
  .filter((file) => /^\d{4}-.*\.md$/.test(file))
  .map((file) => ({ number: file.slice(0, 4), file, text: readFileSync(join(folder, file), 'utf8') }));

/** `**Status.** Accepted.` or `Superseded by [0025](file.md).`, then sentences that name other decisions. */
const STATUS =
  /^\*\*Status\.\*\* (Accepted|Superseded by \[\d{4}\]\([\w.-]+\))\.( (Amends|Supersedes|Builds on|Amended by) \[.*\.)?$/;

const statusOf = (text: string) => text.split('\n')[1];

/** The numbers that a status links to after a verb: `Amends [0001](...) and [0002](...).` */
function named(status: string, verb: string): string[] {
  const sentence = status.split(/(?<=\.) (?=[A-Z])/).find((part) => part.includes(`${verb} [`)) ?? '';
  return [...sentence.matchAll(/\[(\d{4})\]\(/g)].map(([, number]) => number);
}

const pairs = (verb: string, swap = false) =>
  decisions
    .flatMap(({ number, text }) =>
      named(statusOf(text), verb).map((other) => (swap ? `${other} ${number}` : `${number} ${other}`)),
    )
    .sort();

describe('docs/decisions', () => {
  test('every decision has a number of its own, a title with it, and a status line', () => {
    expect(decisions.length).toBeGreaterThanOrEqual(38);
    expect(new Set(decisions.map(({ number }) => number)).size).toBe(decisions.length);
    for (const { number, file, text } of decisions) {
      expect(text.split('\n')[0], file).toMatch(new RegExp(`^# ${number} \\S`));
      expect(statusOf(text), file).toMatch(STATUS);
    }
  });

  test('every link to a decision leads to a file with the number that it shows', () => {
    const files = new Set(decisions.map(({ file }) => file));
    for (const { file, text } of decisions) {
      for (const [, number, target] of text.matchAll(/\[(\d{4})\]\(([^)]*)\)/g)) {
        expect(files, `${file} links to ${target}`).toContain(target);
        expect(target, file).toMatch(new RegExp(`^${number}-`));
      }
    }
  });

  test('what amends or supersedes another is named by that other one', () => {
    expect(pairs('Amends')).toEqual(pairs('Amended by', true));
    expect(pairs('Supersedes')).toEqual(pairs('Superseded by', true));
    expect(pairs('Amends')).toContain('0025 0001');
  });
});

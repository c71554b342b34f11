import { readFileSync } from 'node:fs';
import { describe, expect, it as test } from 'vitest';
import { patternValues, targetedLayers } from './peft-targets';
import { pythonPattern } from './python-pattern';

type Matches = readonly number[] | null;
const { names, patterns } = JSON.parse(
  readFileSync(new URL('../../fixtures/patterns.json', import.meta.url), 'utf8'),
) as { names: string[]; patterns: { source: string; whole: Matches; end: Matches }[] };

function matched(wrap: (own: string) => string, source: string): Matches {
  try {
    const regexp = new RegExp(wrap(pythonPattern(source)), 'u');
    return names.flatMap((name, i) => (regexp.test(name) ? [i] : []));
  } catch {
    return null;
  }
}

/** Patterns of Python's that are refused: JavaScript has none of their kind, or means something else by them. */
const REFUSED = /\\[UN]|\\0|\\1|\(\?P?[>=(a-z-]+(?!<)|[*+?}]\+|\(\?=.*\)\*|\(\?<=[^)]*[|(]|\)\|\(k/;

describe("Python's patterns", () => {
  test.each(patterns)('$source matches the names that Python matches, or is refused', ({ source, whole, end }) => {
    const [ownWhole, ownEnd] = [
      matched((own) => `^(?:${own})$`, source),
      matched((own) => `^(.*\\.)?(${own})$`, source),
    ];
    if (ownWhole !== null) expect(ownWhole).toEqual(whole);
    if (ownEnd !== null) expect(ownEnd).toEqual(end);
    if (ownWhole === null && whole !== null) expect(source).toMatch(REFUSED);
    if (ownEnd === null && end !== null) expect(source).toMatch(REFUSED);
  });

  const dit = { inputSize: 4, patchSize: 2, inChannels: 1, hiddenSize: 8, depth: 2, heads: 2, mlpRatio: 2, classes: 2 };
  test.each(['(?i)Q', 'q*+', '(?(1)q)', '\\161', '(?P<a>q)(?P=a)'])(
    '%s is refused by the name of its field',
    (source) => {
      const config = dit as never;
      for (const field of ['rank_pattern', 'alpha_pattern']) {
        expect(() => patternValues(field, { [source]: 4 })).toThrow(
          `${field}: "${source.replaceAll('\\', '\\\\')}" is no`,
        );
      }
      expect(() => targetedLayers({ target_modules: source }, config)).toThrow('target_modules: "');
      expect(() => targetedLayers({ exclude_modules: source }, config)).toThrow('exclude_modules: "');
    },
  );

  test('give the layers their values where JavaScript would read something else', () => {
    expect(patternValues('alpha_pattern', { 'blocks\\.\\d{,2}\\.attn\\.q': 16 })('blocks.1.attn.q')).toBe(16);
    expect(patternValues('rank_pattern', { '[]q]': 16 })('blocks.1.attn.q')).toBe(16);
  });
});

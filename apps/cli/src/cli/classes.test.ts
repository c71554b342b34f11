import { classLabels } from '@learngene/pipeline';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { type ClassOptions, namedClasses, namedNovel, withClassOptions, withNovelOptions } from './classes';
import { errorLine, isUsageError } from './errors';

function parse(...args: string[]): ClassOptions {
  const command = withNovelOptions(withClassOptions(new Command().exitOverride(), 'classes'), 'novel ones');
  return command.parse(args, { from: 'user' }).opts<ClassOptions>();
}

describe('--classes, --class, --novel, --novel-class', () => {
  test.each<[string, string[], string[] | undefined, string[] | undefined]>([
    ['nothing', [], undefined, undefined],
    ['a list', ['--classes', 'a, b ,c'], ['a', 'b', 'c'], undefined],
    [
      'names as they stand',
      ['--class', 'tench, Tinca tinca', '--class', ' x: y'],
      ['tench, Tinca tinca', ' x: y'],
      undefined,
    ],
    ['both', ['--class', '[1]', '--classes', 'a'], ['a', '[1]'], undefined],
    ['a JSON list', ['--classes', '["a, b", "c:d"]'], ['a, b', 'c:d'], undefined],
    ['novel ones', ['--novel', 'a', '--novel-class', 'b, c'], undefined, ['a', 'b, c']],
  ])('%s', (_, args, classes, novel) => {
    const options = parse(...args);
    expect([namedClasses(options), namedNovel(options)]).toEqual([classes, novel]);
  });

  test.each<[string[], string]>([
    [['--classes', ''], '--classes: expected at least one class, got none'],
    [['--novel', ','], '--novel: expected at least one class, got none'],
    [
      ['--classes', 'a,b:c'],
      '--classes: expected names without comma or colon, got "b:c"; give such a name by --class',
    ],
    [
      ['--novel', 'b:c'],
      '--novel: expected names without comma or colon, got "b:c"; give such a name by --novel-class',
    ],
    [['--classes', '["a"'], 'a JSON array'],
  ])('%j is refused', (args, message) => {
    expect(() => parse(...args)).toThrow(expect.toSatisfy(isUsageError));
    expect(() => parse(...args)).toThrow(message);
  });
});

/** The line that the command prints of what a function throws. */
function lineOf(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    return errorLine(error);
  }
  throw new Error('expected an error, got none');
}

describe('classLabels', () => {
  const names = ['tench, Tinca tinca', 'goldfish', 'caf\u00e9'];
  const owner = { owner: 'photos', argument: '--classes' };
  test('in the order given, in either spelling of Unicode', () => {
    expect(classLabels(names, ['cafe\u0301', 'tench, Tinca tinca'], owner)).toEqual([2, 0]);
  });
  test('an unknown one: the names in quotes, the nearest, and how to give one with a comma', () => {
    expect(lineOf(() => classLabels(names, ['goldfsh'], owner))).toBe(
      '--classes: photos has no class "goldfsh"; it has "tench, Tinca tinca", "goldfish", "café"; did you mean "goldfish"?; ' +
        'names with a comma or colon are given one by one, by --class (novel ones that are kept out by --novel-class)',
    );
    expect(lineOf(() => classLabels(['a', 'b'], ['xyz'], owner))).toMatch(/it has "a", "b"$/);
    expect(() => classLabels([], ['xyz'], owner)).toThrow(/it has none$/);
  });
  test('many names are counted, not listed', () => {
    const many = Array.from({ length: 1000 }, (_, i) => `class ${i}`);
    expect(() => classLabels(many, ['dog'], owner)).toThrow(/"class 39" and 960 more$/);
  });
  test('twice (in two spellings) and none are refused', () => {
    expect(() => classLabels(names, ['caf\u00e9', 'cafe\u0301'], owner)).toThrow('each class once, got "café" twice');
    expect(() => classLabels(names, [], owner)).toThrow('--classes: expected at least one class, got none');
  });
});

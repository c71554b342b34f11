import { ConfigError, type ErrorCode } from '@learngene/pipeline';
import { DataError, InterruptedError } from '@learngene/trainer';
import { describe, expect, test } from 'vitest';
import { errorLine } from './errors';

describe('the command names its options where a package names an argument or a field', () => {
  test.each<[string, string, string]>([
    ['assignment', 'assignment: expected key=value, got x', '--set: expected key=value, got x'],
    ['data', 'data /x: expected images; this is a run', '--data /x: expected images; this is a run'],
    ['data.path', 'data.path: needed for data.source folder', '--data-path: needed for data.source folder'],
    ['data.classes', 'data.classes: birds has no class "x"', '--classes (data.classes): birds has no class "x"'],
    ['data.novel', 'data.novel: no class is left', '--novel (data.novel): no class is left'],
    ['run', 'run runs/a: expected a new folder', '--out runs/a: expected a new folder'],
    ['out', 'out runs/a: expected a new folder', '--out runs/a: expected a new folder'],
    ['dense', 'dense: runs/a was started with none', '--init-from: runs/a was started with none'],
    ['mostLeaves', 'mostLeaves: needed to merge by wordnet', '--most-leaves: needed to merge by wordnet'],
    ['by', 'by x.tsv: cannot be read', '--by x.tsv: cannot be read'],
    ['plan', 'plan a.json: cannot be read as JSON', '--plan a.json: cannot be read as JSON'],
    ['only', 'only: the plan has no trial of magic', '--only: the plan has no trial of magic'],
    ['dataPath', 'dataPath: the plan has no dataset cats', '--data-path: the plan has no dataset cats'],
  ])('%s', (argument, message, line) => {
    expect(errorLine(new ConfigError(message, { argument }))).toBe(line.replace('data.source folder', '--data folder'));
    expect(errorLine(new ConfigError(message))).toBe(message);
  });

  test('an argument without an option, and one that the message does not begin with, stay', () => {
    expect(errorLine(new ConfigError('sides: none', { argument: 'sides' }))).toBe('sides: none');
    expect(errorLine(new ConfigError('--classes: none', { argument: '--classes' }))).toBe('--classes: none');
    expect(errorLine(new ConfigError('runs/a: none', { argument: 'run' }))).toBe('runs/a: none');
    expect(errorLine(new ConfigError('constructor: none', { argument: 'constructor' }))).toBe('constructor: none');
  });
});

describe('the command says which option cures an error', () => {
  test.each<[ErrorCode, RegExp]>([
    ['run-exists', /^x; continue it with --resume, or give another --out$/],
    ['record-missing', /^x; give another --out$/],
    ['class-needed', /^x; say by --class or --classes which$/],
    ['data-missing', /^x; if the data are elsewhere now, say where by --data-path$/],
    ['data-changed', /^x; give its own by --data-path, or start a new run$/],
    ['image-unreadable', /^x; --set data\.onCorrupt=skip leaves such images out$/],
    ['recipe-missing', /^x; what learngene assemble --form dense writes does$/],
    ['training-interrupted', /^x; continue with --resume$/],
    ['demo-interrupted', /^x; the same command continues$/],
    ['report-interrupted', /^x; --resume draws the samples and writes the report$/],
  ])('%s', (code, line) => {
    expect(errorLine(new ConfigError('x', { code }))).toMatch(line);
    expect(errorLine(new DataError('x', { code, cause: new Error('x') }))).toMatch(line);
    expect(errorLine(new InterruptedError('x', { code }))).toMatch(line);
  });

  test('of another code, as the system gives them, nothing', () => {
    expect(errorLine(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe('x');
    expect(errorLine(Object.assign(new Error('x'), { code: 'toString' }))).toBe('x');
  });
});

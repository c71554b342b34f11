import { EngineError } from '@learngene/engines';
import { ConfigError } from '@learngene/pipeline';
import { DataError, InterruptedError } from '@learngene/trainer';
import { describe, expect, test } from 'vitest';
import { errorLine, exitCode, UsageError } from './errors';

test('exit codes', () => {
  const terminated = new InterruptedError('x', { signal: 'SIGTERM' });
  expect([new UsageError('x'), new InterruptedError('x'), terminated, new RangeError('x'), 'x'].map(exitCode)).toEqual([
    2, 130, 143, 1, 1,
  ]);
});

describe('errorLine', () => {
  test('one line, with the causes that say more', () => {
    const cause = new EngineError('no\n  adapter', { engine: 'webgpu' });
    expect(errorLine(new Error('run.json', { cause }))).toBe('run.json: --engine webgpu: no adapter');
  });
  test('an engine by its option, where it was asked for by name', () => {
    const why = { engine: 'wasm', remedy: 'install it' } as const;
    expect(errorLine(new EngineError('not there', why))).toBe('--engine wasm: not there. Remedy: install it');
    expect(errorLine(new EngineError('no engine could be loaded'))).toBe('no engine could be loaded');
    expect(exitCode(new EngineError('not there', why))).toBe(2);
  });
  test('data of a run that are gone, once', () => {
    const facts = { argument: 'data.path', code: 'data-missing' } as const;
    const cause = new ConfigError('data.path /x: no such file or folder', facts);
    expect(errorLine(new DataError(cause.message, { ...facts, cause }))).toBe(
      '--data-path /x: no such file or folder; if the data are elsewhere now, say where by --data-path',
    );
  });
  test('what is no error, and what says nothing', () => {
    expect(errorLine('text')).toBe('text');
    expect(errorLine(new RangeError(''))).toBe('RangeError');
  });
});

import { expect, test } from 'vitest';
import { EngineError } from '../errors';
import { usePrecision } from './precision';

test('bfloat16 on an engine that has none is refused before anything is written', () => {
  const engine = { name: 'wasm', detail: '', why: '' } as const;
  expect(() => usePrecision('bf16', engine)).toThrow(EngineError);
  expect(() => usePrecision('bf16', engine)).toThrow('only the engine native has it, the engine here is wasm');
  expect(() => usePrecision('f32', engine)).not.toThrow();
});

test('the reason names the setting', () => {
  const engine = { name: 'native', detail: '', why: '' } as const;
  expect(() => usePrecision('bf16', engine)).toThrow('precision bf16: expected the active backend to be native');
});

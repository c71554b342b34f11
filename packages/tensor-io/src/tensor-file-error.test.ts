import { expect, test } from 'vitest';
import { quoted, shown, TensorFileError } from './tensor-file-error';

test('names file and problem, keeps the cause', () => {
  const cause = new Error('below');
  const error = new TensorFileError('model.safetensors', 'is cut off', { cause });
  expect(error).toMatchObject({
    name: 'TensorFileError',
    message: 'model.safetensors: is cut off',
    file: 'model.safetensors',
    cause,
  });
});

test('knows errors of another copy of the package, and no others', () => {
  const copy = Object.assign(new Error('x: y'), { name: 'TensorFileError', file: 'x' });
  expect(copy instanceof TensorFileError).toBe(true);
  expect(new Error('x') instanceof TensorFileError).toBe(false);
  expect(({ name: 'TensorFileError', file: 'x' } as unknown) instanceof TensorFileError).toBe(false);
});

test('shows what came in few characters', () => {
  expect(quoted('a"\n')).toBe('"a\\"\\n"');
  expect(quoted('x'.repeat(100))).toHaveLength(83);
  expect(shown([1, 'a', [2], null, undefined, {}])).toBe('[1,"a",…,null,undefined,…]');
  expect(shown(new Array(100).fill(0))).toBe('[0,0,0,0,0,0,0,0,…]');
  expect(shown({})).toBe('an object');
});

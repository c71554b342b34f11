import { describe, expect, it as test } from 'vitest';
import { dims } from './dims';

describe('dims', () => {
  const x = { shape: [8, 32, 16, 3] };

  test('names the sizes', () => {
    expect(dims('x', x, 'N H W C')).toMatchObject({ N: 8, H: 32, W: 16, C: 3 });
    expect(dims('x', x, 'N H W 3').W).toBe(16);
    expect(dims('x', x, '... C').C).toBe(3);
    expect(dims('x', { shape: [4, 4] }, 'D D').D).toBe(4);
  });

  test('says what was expected and what came', () => {
    expect(() => dims('images', { shape: [8, 32, 32] }, 'N H W 3')).toThrow(
      'images: expected [N, H, W, 3], got [8, 32, 32]',
    );
    expect(() => dims('x', x, 'N H H C')).toThrow('x: expected [N, H, H, C], got [8, 32, 16, 3]');
    expect(() => dims('x', x, 'N H W 4')).toThrow('got [8, 32, 16, 3]');
    expect(() => dims('x', { shape: [] }, '... C')).toThrow('x: expected [..., C], got []');
  });
});

import { describe, expect, test } from 'vitest';
import { expected, fromHex } from '../test/expected';
import { float16ToFloat32Bits, float32BitsToFloat16 } from './float16';

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

function value(half: number): number {
  bits[0] = float16ToFloat32Bits(half);
  return float[0];
}

function round(number: number): number {
  float[0] = number;
  return float32BitsToFloat16(bits[0]);
}

describe('half floats', () => {
  test('every finite half has the value of its formula', () => {
    for (let half = 0; half < 0x10000; half++) {
      const exponent = (half >> 10) & 31;
      if (exponent === 31) continue;
      const magnitude = exponent === 0 ? (half & 1023) * 2 ** -24 : (1 + (half & 1023) / 1024) * 2 ** (exponent - 15);
      if (!Object.is(value(half), half & 0x8000 ? -magnitude : magnitude)) expect.fail(`half ${half}: ${value(half)}`);
    }
  });

  test('every half comes back, NaN as a quiet NaN of the same sign', () => {
    for (let half = 0; half < 0x10000; half++) {
      const nan = (half & 0x7fff) > 0x7c00;
      const back = float32BitsToFloat16(float16ToFloat32Bits(half));
      if (back !== (nan ? half | 0x200 : half)) expect.fail(`half ${half} came back as ${back}`);
    }
  });

  test('between neighbours the nearer wins, and the even one in the middle', () => {
    for (let half = 0; half < 0x7bff; half++) {
      const middle = (value(half) + value(half + 1)) / 2;
      const even = half & 1 ? half + 1 : half;
      float[0] = middle;
      const got = [float32BitsToFloat16(bits[0] - 1), float32BitsToFloat16(bits[0]), float32BitsToFloat16(bits[0] + 1)];
      if (got[0] !== half || got[1] !== even || got[2] !== half + 1) expect.fail(`around half ${half}: ${got}`);
    }
  });

  test('too large rounds to infinity, NaN stays NaN', () => {
    expect(round(65519.99)).toBe(0x7bff);
    expect(round(65520)).toBe(0x7c00);
    expect(round(-1e30)).toBe(0xfc00);
    expect(round(Number.NEGATIVE_INFINITY)).toBe(0xfc00);
    expect(round(Number.NaN) & 0x7e00).toBe(0x7e00);
    expect(float32BitsToFloat16(0x7f800001)).toBe(0x7e00);
  });

  test('rounds as numpy does', () => {
    const source = new Uint32Array(fromHex(expected.roundings.f32).buffer);
    const halves = new Uint16Array(fromHex(expected.roundings.f16).buffer);
    expect(Uint16Array.from(source, float32BitsToFloat16)).toEqual(halves);
  });
});

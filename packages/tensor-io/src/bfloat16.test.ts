import { expect, test } from 'vitest';
import { expected, fromHex } from '../test/expected';
import { bfloat16ToFloat32Bits, float32BitsToBfloat16 } from './bfloat16';

test('every bfloat16 comes back, NaN as a quiet NaN of the same sign', () => {
  for (let value = 0; value < 0x10000; value++) {
    const nan = (value & 0x7fff) > 0x7f80;
    const back = float32BitsToBfloat16(bfloat16ToFloat32Bits(value));
    if (back !== (nan ? value | 0x40 : value)) expect.fail(`${value} came back as ${back}`);
  }
});

test('between neighbours the nearer wins, and the even one in the middle', () => {
  for (let value = 0; value < 0x7f80; value++) {
    const middle = value * 65536 + 0x8000;
    const got = [middle - 1, middle, middle + 1].map(float32BitsToBfloat16);
    if (got[0] !== value || got[1] !== value + (value & 1) || got[2] !== value + 1)
      expect.fail(`around ${value}: ${got}`);
  }
});

test('rounds as torch does', () => {
  const source = new Uint32Array(fromHex(expected.roundings.f32).buffer);
  const values = new Uint16Array(fromHex(expected.roundings.bf16).buffer);
  expect(Uint16Array.from(source, float32BitsToBfloat16)).toEqual(values);
});

import type { Tensor } from '@tensorflow/tfjs-core';

/** The axis letters of a pattern such as `'N H W 3'` (here `'N' | 'H' | 'W'`): numbers and `...` name nothing. */
export type AxisNames<S extends string> = S extends `${infer Head} ${infer Tail}`
  ? AxisName<Head> | AxisNames<Tail>
  : AxisName<S>;

/** The name that one part of a pattern gives an axis: none for a number and `...`. */
export type AxisName<S extends string> = S extends `${number}` | '...' | '' ? never : S;

/** The number that a part of a pattern is; undefined for a name. */
function numberIn(part: string): number | undefined {
  const first = part.charCodeAt(0);
  if (!(first >= 48 && first <= 57)) return undefined; // 0 to 9
  const number = Number(part);
  return Number.isNaN(number) ? undefined : number;
}

/**
 * Checks the shape of an argument and names its sizes.
 *
 * @param name Name of the argument in the error message.
 * @param x Tensor of any dtype, or anything else with a shape; only its shape is read.
 * @param axes Axis names separated by one space. A number is a size that must match, a repeated name must have one size,
 * a first `...` stands for any number of leading axes.
 * @returns The size of every named axis.
 * @throws Error `images: expected [N, H, W, 3], got [8, 32, 32]`.
 *
 * @example
 * const { N, H, W } = dims('images', images, 'N H W 3');
 */
export function dims<S extends string>(
  name: string,
  x: Pick<Tensor, 'shape'>,
  axes: S,
): Readonly<Record<AxisNames<S>, number>> {
  const expected = axes.split(' ');
  const open = expected[0] === '...';
  const names = open ? expected.slice(1) : expected;
  const skipped = x.shape.length - names.length;
  const sizes: Record<string, number> = {};
  let matches = open ? skipped >= 0 : skipped === 0;
  for (let i = 0; matches && i < names.length; i++) {
    const size = x.shape[skipped + i];
    const wanted = numberIn(names[i]) ?? sizes[names[i]] ?? size;
    sizes[names[i]] = size;
    matches = size === wanted;
  }
  if (!matches) throw new Error(`${name}: expected [${expected.join(', ')}], got [${x.shape.join(', ')}]`);
  return sizes as Readonly<Record<AxisNames<S>, number>>;
}

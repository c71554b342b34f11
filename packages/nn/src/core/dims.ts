import type { Tensor } from '@tensorflow/tfjs-core';

/** The axis letters of a pattern such as `'N H W 3'` (here `'N' | 'H' | 'W'`): numbers and `...` name nothing. */
export type AxisNames<S extends string> = S extends `${infer Head} ${infer Tail}`
  ? AxisName<Head> | AxisNames<Tail>
  : AxisName<S>;

/** The name that one part of a pattern gives an axis: none for a number and `...`. */
export type AxisName<S extends string> = S extends `${number}` | '...' | '' ? never : S;

/** A pattern taken apart. */
interface Pattern {
  /** Whether it begins with `...`. */
  readonly open: boolean;
  /** The axes after that: a size that must match, or a name. */
  readonly axes: readonly (number | string)[];
}

/** The patterns met so far: a training step checks some hundreds of shapes, and always with the same patterns. */
const patterns = new Map<string, Pattern>();

/** Most patterns that are kept; sizes in them may differ from batch to batch. */
const MAX_PATTERNS = 4096;

function patternOf(text: string): Pattern {
  const known = patterns.get(text);
  if (known) return known;
  const parts = text.split(' ');
  const open = parts[0] === '...';
  const axes = parts
    .slice(open ? 1 : 0)
    .map((part) => (/^\d/.test(part) && !Number.isNaN(Number(part)) ? Number(part) : part));
  if (patterns.size >= MAX_PATTERNS) patterns.clear();
  patterns.set(text, { open, axes });
  return { open, axes };
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
  const { open, axes: expected } = patternOf(axes);
  const skipped = x.shape.length - expected.length;
  const sizes: Record<string, number> = {};
  let matches = open ? skipped >= 0 : skipped === 0;
  for (let i = 0; matches && i < expected.length; i++) {
    const [axis, size] = [expected[i], x.shape[skipped + i]];
    if (typeof axis === 'number') matches = size === axis;
    else {
      matches = (sizes[axis] ?? size) === size;
      sizes[axis] = size;
    }
  }
  if (!matches) throw new Error(`${name}: expected [${axes.replaceAll(' ', ', ')}], got [${x.shape.join(', ')}]`);
  return sizes as Readonly<Record<AxisNames<S>, number>>;
}

import type { HeldOut } from './hold-out';
import { subset } from './subset';
import type { ImageDataset } from './types';

/** Code points in hexadecimal with hyphens between them: `1F44D-1F3FB`. */
export const CODE_POINTS = /^[0-9A-F]+(-[0-9A-F]+)*$/i;

/** The five skin tones, and the selector of an emoji's coloured form. */
const NO_CHARACTER = /^(1F3F[B-F]|FE0F)$/;

/** One of this many characters is held out. */
const HELD_OUT_SHARE = 10;

/**
 * The character that an emoji shows: its code points without skin tones and without the selector of the coloured form.
 *
 * @param unified - code points in hexadecimal with hyphens between them: `'1F44D-1F3FB'` gives `'1F44D'`
 * @throws RangeError for other text
 */
export function emojiCharacter(unified: string): string {
  if (!CODE_POINTS.test(unified)) {
    throw new RangeError(`unified: expected code points such as 1F44D-1F3FB, got '${unified}'`);
  }
  const points = unified.toUpperCase().split('-');
  const rest = points.filter((point) => !NO_CHARACTER.test(point));
  return (rest.length === 0 ? points : rest).join('-');
}

/**
 * Whether a character belongs to the fixed tenth that is held out: by a hash (FNV-1a) of its code points, so that it is the
 * same in every style and stays the same when emoji are added.
 *
 * @param character - what {@link emojiCharacter} returned
 */
export function isHeldOutCharacter(character: string): boolean {
  let hash = 0x811c9dc5;
  for (const letter of emojiCharacter(character)) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  return (hash >>> 0) % HELD_OUT_SHARE === 0;
}

/**
 * Splits emoji by character ({@link isHeldOutCharacter}): all skin tones of a character are in one part, and so are its
 * images in every style. Both parts keep labels, classes and order.
 */
export function holdOutCharacters(dataset: ImageDataset & { readonly characters: readonly string[] }): HeldOut {
  const { characters, size } = dataset;
  if (characters.length !== size) throw new RangeError(`characters: expected ${size}, got ${characters.length}`);
  const held = characters.map(isHeldOutCharacter);
  const part = (flag: boolean) => Array.from(held.keys()).filter((index) => held[index] === flag);
  return { train: subset(dataset, part(false)), heldOut: subset(dataset, part(true)) };
}

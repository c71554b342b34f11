import { describe, expect, test } from 'vitest';
import { emojiCharacter, holdOutCharacters, isHeldOutCharacter } from './emoji-character';
import { inMemoryDataset } from './memory';

describe('emojiCharacter', () => {
  test.each([
    ['1F44D', '1F44D'],
    ['1f44d-1f3fb', '1F44D'],
    ['2764-FE0F', '2764'],
    ['1F9D1-1F3FF-200D-2764-FE0F-200D-1F9D1-1F3FB', '1F9D1-200D-2764-200D-1F9D1'],
    ['0023-FE0F-20E3', '0023-20E3'],
    ['1F3FB', '1F3FB'], // a skin tone alone is a character
  ])('%s is %s', (unified, character) => {
    expect(emojiCharacter(unified)).toBe(character);
  });

  test.each(['', 'thumbs up', '1F44D-', '-1F44D'])('refuses "%s"', (text) => {
    expect(() => emojiCharacter(text)).toThrow(/^unified: expected code points such as/);
  });
});

describe('the tenth that is held out', () => {
  const people = Array.from({ length: 2000 }, (_, i) => (0x1f300 + i).toString(16));

  test('is about a tenth, and the same for every skin tone and way of writing', () => {
    const held = people.filter(isHeldOutCharacter);
    expect(held.length).toBeGreaterThan(160);
    expect(held.length).toBeLessThan(240);
    for (const point of held.slice(0, 20)) {
      expect(isHeldOutCharacter(`${point.toUpperCase()}-1F3FD`)).toBe(true);
      expect(isHeldOutCharacter(`${point}-FE0F`)).toBe(true);
    }
  });

  test('does not change: files and figures elsewhere rest on it', () => {
    expect(people.filter(isHeldOutCharacter).slice(0, 8)).toEqual([
      '1f305',
      '1f325',
      '1f32a',
      '1f347',
      '1f34e',
      '1f354',
      '1f363',
      '1f369',
    ]);
  });

  test('parts a dataset by character', async () => {
    const characters = people.slice(0, 30);
    const images = Uint8Array.from({ length: 30 }, (_, i) => i);
    const labels = characters.map((_, i) => i % 2);
    const data = inMemoryDataset({
      name: 'x',
      images,
      labels,
      height: 1,
      width: 1,
      channels: 1,
      classes: ['a', 'b'],
    });
    const { train, heldOut } = holdOutCharacters({ ...data, characters });
    const held = characters.flatMap((point, i) => (isHeldOutCharacter(point) ? [i] : []));
    expect(held.length).toBeGreaterThan(0);
    const places = Array.from({ length: heldOut.size }, (_, i) => i);
    expect([...(await heldOut.read(places))]).toEqual(held);
    expect([...heldOut.labels]).toEqual(held.map((i) => i % 2));
    expect(train.size).toBe(30 - held.length);
    expect(() => holdOutCharacters({ ...data, characters: ['1F300'] })).toThrow('characters: expected 30, got 1');
  });
});

import { classCounts, inMemoryDataset } from '@learngene/datasets';
import { ConfigError, noProgress, parseConfig } from '@learngene/pipeline';
import { describe, expect, test } from 'vitest';
import { partOf } from './decode-data';
import { checkValidation, validationImages } from './held-out-images';

/** A dataset of one-pixel images whose value is their number. */
function dataset(...counts: number[]) {
  const labels = counts.flatMap((count, label) => Array<number>(count).fill(label));
  return inMemoryDataset({
    name: 'numbers',
    classes: counts.map((_, label) => `c${label}`),
    height: 1,
    width: 1,
    channels: 1,
    images: Uint8Array.from(labels.keys()),
    labels: Int32Array.from(labels),
  });
}
const configOf = (validation: object | undefined, holdOut = 0.5) =>
  parseConfig({ data: { holdOut }, validation }, 'test');
const namesOf = ({ classes }: { classes: readonly string[] }) => classes;

describe('validationImages', () => {
  const all = dataset(8, 4, 2);
  const { heldOut, train } = partOf(all, namesOf(all), configOf(undefined));
  const pixels = async (images: typeof all) => [...(await images.read([...images.labels.keys()]))];

  test('none where the configuration asks for none', () => {
    expect(validationImages(heldOut, configOf(undefined))).toBeUndefined();
  });

  test('all that are held out, none of which is trained on', async () => {
    const images = validationImages(heldOut, configOf({ every: 5 }))!;
    expect([...classCounts(images)]).toEqual([4, 2, 1]);
    const trained = await pixels(train);
    for (const pixel of await pixels(images)) expect(trained).not.toContain(pixel);
  });

  test.each([
    [1, [1, 0, 0]],
    [3, [1, 1, 1]],
    [4, [2, 1, 1]],
    [6, [3, 2, 1]],
    [7, [4, 2, 1]],
    [99, [4, 2, 1]],
  ])('at most %i are spread over the classes', (images, counts) => {
    expect([...classCounts(validationImages(heldOut, configOf({ every: 5, images }))!)]).toEqual(counts);
  });
});

describe('checkValidation', () => {
  const warned: string[] = [];
  const progress = { ...noProgress, warn: (text: string) => void warned.push(text) };
  const check = (counts: number[], config = configOf({ every: 5 })) => {
    const view = dataset(...counts);
    warned.length = 0;
    checkValidation(view, config, progress);
    return [...warned];
  };

  test('takes data that hold images out of every class, and any data where nothing is asked for', () => {
    expect(check([4, 4])).toEqual([]);
    expect(check([1, 1], configOf(undefined))).toEqual([]);
  });

  test('warns of classes without a held-out image', () => {
    expect(check([4, 1])).toEqual([expect.stringMatching(/^validation: no image is held out of "c1"/)]);
    expect(check([4, 4], configOf({ every: 5, images: 1 }))).toEqual([expect.stringContaining('"c1"')]);
  });

  test.each<[string, number[], number, RegExp]>([
    ['a fraction of 0', [4, 4], 0, /^validation: expected held-out images, got none: data\.holdOut is 0$/],
    ['classes of one image', [1, 1], 0.5, /^validation: expected held-out images, got none: every class has too few/],
  ])('refuses %s by name', (_, counts, holdOut, message) => {
    expect(() => check(counts, configOf({ every: 5 }, holdOut))).toThrow(message);
    expect(() => check(counts, configOf({ every: 5 }, holdOut))).toThrow(ConfigError);
  });
});

test.each([
  [{}, 'validation.every'],
  [{ every: 0 }, 'validation.every'],
  [{ every: 1.5 }, 'validation.every'],
  [{ every: 1, images: 0 }, 'validation.images'],
  [{ every: 1, fraction: 0.5 }, 'unknown key validation.fraction'],
])('the configuration refuses %j', (validation, message) => {
  expect(() => configOf(validation)).toThrow(message);
});

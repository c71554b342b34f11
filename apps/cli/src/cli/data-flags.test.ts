import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dataOfFlags } from './data-flags';
import { UsageError } from './errors';

describe('--data and --data-path', () => {
  test('a kind of data, a path, or the place of data', () => {
    expect(dataOfFlags({})).toEqual({ path: undefined });
    expect(dataOfFlags({ data: 'emoji' })).toEqual({ source: 'emoji', path: undefined });
    expect(dataOfFlags({ data: 'folder', dataPath: 'photos' })).toEqual({ source: 'folder', path: resolve('photos') });
    expect(dataOfFlags({ dataPath: 'photos' })).toEqual({ path: resolve('photos') });
    expect(dataOfFlags({ data: tmpdir() })).toEqual({ path: resolve(tmpdir()) });
  });
  test.each<[string, string | RegExp]>([
    ['fodler', 'did you mean folder?'],
    ['emojis', 'did you mean emoji?'],
    ['cifar-100', 'did you mean cifar100?'],
    ['banana', /kind of data: emoji, .*webdataset; there is nothing at this path$/],
    ['Folder', 'did you mean folder?'],
    ['no/such/place', '--data no/such/place: there is nothing'],
  ])('--data %s is refused', (data, message) => {
    expect(() => dataOfFlags({ data })).toThrow(UsageError);
    expect(() => dataOfFlags({ data })).toThrow(message);
  });
  test('two paths are refused', () =>
    expect(() => dataOfFlags({ data: tmpdir(), dataPath: 'x' })).toThrow('--data-path:'));
});

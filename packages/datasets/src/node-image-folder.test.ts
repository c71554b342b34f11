import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { expect, test } from 'vitest';
import { DatasetFileError } from './errors';
import { imageFolder } from './node';

const root = temporaryFolder('datasets-levels');

/** A folder of files with names of images; they are not decoded here. */
function tree(name: string, ...files: string[]): string {
  for (const file of files) {
    mkdirSync(dirname(join(root, name, file)), { recursive: true });
    writeFileSync(join(root, name, file), '');
  }
  return join(root, name);
}

test('the folder above that of the class folders is refused, with the one that may be meant', async () => {
  const photos = tree('photos', 'train/a/1.png', 'train/b/1.png', 'test/a/1.png', 'test/b/1.png', 'test/notes.txt');
  mkdirSync(join(photos, 'empty'));
  const refusal = imageFolder(photos, { size: 4, allowEmpty: true });
  await expect(refusal).rejects.toThrow(DatasetFileError);
  await expect(refusal).rejects.toThrow(`hold folders alone: did you mean ${join(photos, 'train')}?`);
  expect((await imageFolder(join(photos, 'train'), { size: 4 })).classes).toEqual(['a', 'b']);
});

test.each<[string, string[]]>([
  ['one class folder with images of its own', ['a/1.png', 'b/x/1.png', 'b/y/1.png']],
  ['a class folder with one folder of images', ['a/x/1.png', 'b/x/1.png', 'b/y/1.png']],
  ['images beside folders', ['a/1.png', 'a/x/1.png', 'a/y/1.png']],
])('images may lie deeper: %s', async (name, files) => {
  const { classes, size } = await imageFolder(tree(name, ...files), { size: 4 });
  expect([classes, size]).toEqual([[...new Set(files.map((file) => file[0]))], files.length]);
});

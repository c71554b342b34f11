import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { emojiVaeFolder } from '@learngene/vae-emoji/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../errors';
import { autoencoderAt, describeAutoencoder, readAutoencoder } from './autoencoder';
import { shippedFolder } from './shipped-autoencoder';

const folder = temporaryFolder('autoencoder');
const before = process.cwd();
beforeAll(() => {
  for (const name of ['emoji', 'mine']) mkdirSync(join(folder, name));
  process.chdir(folder);
});
afterAll(() => process.chdir(before));

describe('autoencoderAt', () => {
  test.each(['mine', './emoji', 'there-is-none/vae', 'vae.d'])('%s is a path', (place) => {
    expect(autoencoderAt(place)).toEqual({ path: resolve(place) });
  });

  test.each(['emoji', 'none'])('%s is a name, also beside a folder of that name', (place) => {
    expect(autoencoderAt(place)).toEqual({ name: place });
  });
});

describe('a folder', () => {
  const run = join(folder, 'vae2');
  beforeAll(() => {
    mkdirSync(run);
    writeFileSync(join(run, 'config.json'), JSON.stringify({ format: 2, command: 'vae train', kind: 'autoencoder' }));
    cpSync(emojiVaeFolder(), join(run, 'autoencoder'), { recursive: true });
    cpSync(emojiVaeFolder(), join(folder, 'drawings'), { recursive: true });
    mkdirSync(join(folder, 'bundle'));
    writeFileSync(join(folder, 'bundle', 'kind.json'), '{}');
  });

  test.each([
    ['vae2', `the run of an autoencoder; what it trained is ${join(run, 'autoencoder')}`],
    ['bundle', 'a bundle'],
  ])('that is %s is told by what it is', async (name, what) => {
    const error = await readAutoencoder({ path: join(folder, name) }, '--vae').catch((caught) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toBe(`--vae: expected the folder of an autoencoder; this is ${what}`);
  });

  test.each([
    ['vae2/autoencoder', 'vae2'],
    ['drawings', 'drawings'],
  ])('%s is called %s', async (path, name) => {
    expect((await readAutoencoder({ path: join(folder, path) })).name).toBe(name);
    expect((await readAutoencoder({ path: join(folder, path), name: 'mine' })).name).toBe('mine');
  });
});

describe('a shipped autoencoder', () => {
  test('is read by its name from its package; a recipe keeps name and hash, and no path', async () => {
    const files = await readAutoencoder({ name: 'emoji' });
    const same = await readAutoencoder({ path: emojiVaeFolder() });
    expect(files.hash).toBe(same.hash);
    expect(describeAutoencoder(files)).toMatchObject({
      name: 'emoji',
      hash: same.hash,
      imageChannels: 3,
      latentChannels: 16,
      downscale: 8,
      scalingFactor: files.config.scalingFactor,
      shiftFactor: files.config.shiftFactor,
    });
    expect(describeAutoencoder(files)).not.toHaveProperty('path');
  });

  test('of another hash than asked for is refused', async () => {
    await expect(readAutoencoder({ name: 'emoji', hash: '0'.repeat(64) })).rejects.toThrow(
      /^autoencoder: expected the autoencoder of emoji \(hash 000000000000\), got emoji \(hash \w{12}\)/,
    );
  });

  test.each([
    ['emojis', 'got "emojis"; did you mean emoji?'],
    ['taesd', 'got "taesd"'],
    [undefined, 'got none'],
  ])('%s is none: the message names those there are', async (name, got) => {
    const message = `--vae: expected the path of an autoencoder's folder or a shipped one (emoji), ${got}`;
    const error = await readAutoencoder({ name }, '--vae').catch((caught) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ message, argument: '--vae' });
  });

  const missing = (code: string, message: string) => ({
    emoji: {
      install: '@learngene/vae-emoji',
      folder: () => Promise.reject(Object.assign(new Error(message), { code })),
    },
  });

  test.each([
    ['ERR_MODULE_NOT_FOUND', "Cannot find package '@learngene/vae-emoji' imported from /app/node.js"],
    ['MODULE_NOT_FOUND', "Cannot find module '@learngene/vae-emoji/node'\nRequire stack:\n- /app/node.cjs"],
  ])('whose package is not installed is told by %s', async (code, message) => {
    const error = await shippedFolder('emoji', 'autoencoder', missing(code, message)).catch((caught) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({
      message:
        'autoencoder: the autoencoder "emoji" is in the package @learngene/vae-emoji: npm install @learngene/vae-emoji',
      argument: 'autoencoder',
    });
  });

  test('whose package lacks something itself is another error', async () => {
    const message = "Cannot find package '@learngene/vae' imported from /app/@learngene/vae-emoji/dist/node.js";
    const packages = missing('ERR_MODULE_NOT_FOUND', message);
    await expect(shippedFolder('emoji', 'autoencoder', packages)).rejects.toThrow(message);
  });
});

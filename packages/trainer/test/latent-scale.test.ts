import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { noProgress, parseConfig } from '@learngene/pipeline';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeData, prepareEncoding } from '../src/data/encode-data';
import { reopenRunData } from '../src/data/run-data';
import { encodingWords } from '../src/latents/latent-words';
import { readLatentManifest } from '../src/latents/manifest';
import { preparePretraining } from '../src/pretrain/pretrain';
import { hashOf, makeTinyLatents } from './tiny-latents';

const folder = temporaryFolder('latent-scale');
const at = (...parts: string[]) => join(folder, ...parts);
const { signal } = new AbortController();

/** Scale and shift of the autoencoder itself. */
const OWN = { scalingFactor: 2, shiftFactor: 0.1 };

type Scale = Partial<typeof OWN>;

async function encode(out: string, scale: Scale) {
  const autoencoder = { path: at('vae'), ...scale };
  const config = parseConfig({ data: { path: at('images.safetensors') }, autoencoder }, 'test');
  const request = { config, out, stored: 'mean', crops: 1, mirrored: true, progress: noProgress } as const;
  return encodeData(out, await prepareEncoding(request), signal);
}

/** The autoencoder of a run that is prepared on latents. */
async function prepared(latents: string, autoencoder?: object) {
  const model = { patchSize: 2, hiddenSize: 16, depth: 1, heads: 2, learngeneRank: 4, tailorRank: 2 };
  const config = parseConfig({ data: { latents }, model, ...(autoencoder && { autoencoder }) }, 'test');
  return (await preparePretraining(config, { kind: 'kind', progress: noProgress })).record;
}

beforeAll(async () => {
  await useTestBackend();
  await makeTinyLatents(folder);
  await encode(at('own'), {});
  await encode(at('scaled'), { scalingFactor: 5 });
  await encode(at('shifted'), { shiftFactor: -1 });
  await encode(at('both'), { scalingFactor: 5, shiftFactor: -1 });
});

test.each<[string, Scale, boolean]>([
  ['own', OWN, false],
  ['scaled', { ...OWN, scalingFactor: 5 }, true],
  ['shifted', { ...OWN, shiftFactor: -1 }, true],
  ['both', { scalingFactor: 5, shiftFactor: -1 }, true],
])('the folder %s records the scale that it was made for, and whether it was asked for', async (name, scale, given) => {
  const manifest = await readLatentManifest(at(name));
  expect(manifest.autoencoder).toMatchObject(scale);
  expect(manifest.autoencoder.scaleGiven ?? false).toBe(given);
  expect(encodingWords(at(name), manifest)).toContain(`* ${scale.scalingFactor}`);
  // What is kept is what the encoder gives, whatever the network is to see.
  expect(hashOf(at(name, 'latents-00000.safetensors'))).toBe(hashOf(at('own', 'latents-00000.safetensors')));
});

const refused = (field: string, made: number, came: number) =>
  `data.latents: made for autoencoder.${field} ${made}, got ${came}; leave it out, or encode the images anew`;

describe('a training', () => {
  test.each<[string, object | undefined, Scale | string]>([
    ['own', undefined, OWN],
    ['own', { scalingFactor: 3 }, { ...OWN, scalingFactor: 3 }],
    ['scaled', undefined, { ...OWN, scalingFactor: 5 }],
    ['scaled', { scalingFactor: 5 }, { ...OWN, scalingFactor: 5 }],
    ['scaled', { scalingFactor: 3 }, refused('scalingFactor', 5, 3)],
    ['scaled', { scalingFactor: OWN.scalingFactor }, refused('scalingFactor', 5, 2)],
    ['scaled', { shiftFactor: 4 }, refused('shiftFactor', 0.1, 4)],
    ['shifted', undefined, { ...OWN, shiftFactor: -1 }],
    ['shifted', { shiftFactor: 0 }, refused('shiftFactor', -1, 0)],
    ['both', undefined, { scalingFactor: 5, shiftFactor: -1 }],
  ])('on latents of %s told %j gives %j', async (name, told, outcome) => {
    for (const place of [{}, { path: at('vae') }]) {
      const asked = told === undefined && Object.keys(place).length === 0 ? undefined : { ...place, ...told };
      const run = prepared(at(name), asked);
      if (typeof outcome === 'string') await expect(run).rejects.toThrow(outcome);
      else expect((await run).config.autoencoder).toMatchObject({ name: 'vae', ...outcome });
    }
  });

  test('goes on only with latents of the scale that it was started with', async () => {
    const record = await prepared(at('scaled'));
    const moved = (latents: string) => reopenRunData(record, { latents, progress: noProgress });
    await expect(moved(at('both'))).rejects.toThrow(refused('shiftFactor', -1, 0.1));
    // Of latents without a scale of their own the run says how they are seen.
    expect((await moved(at('own'))).record.config.autoencoder).toMatchObject({ scalingFactor: 5 });
  });
});

describe('a folder that is there', () => {
  test('takes a scale where it has none yet, without encoding anything anew', async () => {
    await encode(at('later'), {});
    const { shards } = await readLatentManifest(at('later'));
    expect((await encode(at('later'), { scalingFactor: 5 })).shards).toEqual(shards);
    expect((await readLatentManifest(at('later'))).autoencoder).toMatchObject({ scalingFactor: 5, scaleGiven: true });
    for (const scale of [{}, { scalingFactor: 6 }, { scalingFactor: 5, shiftFactor: 1 }]) {
      await expect(encode(at('later'), scale)).rejects.toThrow('holds latents of other settings: autoencoder is');
    }
  });

  test('of an older version, which recorded no scale, is read and gone on with', async () => {
    await encode(at('old'), {});
    const { autoencoder, ...rest } = JSON.parse(readFileSync(at('old', 'latents.json'), 'utf8'));
    expect(Object.keys(autoencoder)).not.toContain('scaleGiven');
    writeFileSync(at('old', 'latents.json'), JSON.stringify({ ...rest, autoencoder }));
    expect((await prepared(at('old'), { scalingFactor: 3 })).config.autoencoder?.scalingFactor).toBe(3);
    expect((await encode(at('old'), {})).autoencoder).toMatchObject(OWN);
  });
});

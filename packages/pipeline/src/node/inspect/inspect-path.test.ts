import { cpSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disposeParams, paramsToTensorData } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { readSafetensors } from '@learngene/tensor-io/node';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { initVae, klVaeConfig, type TinyVaeConfig, tinyVaeConfig, vaeDownscale } from '@learngene/vae';
import { readVae, writeVae } from '@learngene/vae/node';
import { beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../errors';
import { readAutoencoder } from '../autoencoder';
import { type Inspection, inspectPath } from './inspect-path';

const fixtures = fileURLToPath(new URL('../../../fixtures/format-1', import.meta.url));
const work = temporaryFolder('inspect');
const at = (...names: string[]) => join(fixtures, ...names);

beforeAll(useTestBackend);

/** What lies at a path, and how often an engine was asked for. */
async function inspected<W extends Inspection['what']>(path: string, what: W) {
  let engines = 0;
  const found = await inspectPath(path, { needEngine: async () => engines++ });
  expect(found.what).toBe(what);
  return { found: found as Extract<Inspection, { what: W }>, engines };
}

/** The numbers that the tensors of files hold. */
async function numbersIn(...paths: string[]): Promise<number> {
  const files = await Promise.all(paths.map((path) => readSafetensors(path)));
  return files
    .flatMap(({ tensors }) => [...tensors.values()])
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

describe('inspectPath', () => {
  test('counts a run from its record as its checkpoint has them, and needs no engine', async () => {
    const { found, engines } = await inspected(at('run'), 'kind-run');
    expect(found.path).toBe(at('run'));
    expect(found.checkpoints).toEqual([40]);
    expect(found.record.model.groups.map(({ name }) => name)).toEqual(['bars', 'dots', 'flat']);
    expect(found.parameters.total).toBe(await numbersIn(at('run', 'checkpoints', 'step-40', 'ema.safetensors')));
    expect(engines).toBe(0);
  });

  test('checks the files of a bundle on an engine, and counts what they hold', async () => {
    const { found, engines } = await inspected(at('bundle'), 'bundle');
    const tailors = readdirSync(at('bundle', 'tailors')).map((name) => at('bundle', 'tailors', name));
    const files = [at('bundle', 'learngenes.safetensors'), at('bundle', 'shared.safetensors'), ...tailors];
    expect(found.counts.params.total).toBe(await numbersIn(...files));
    expect(found.config.groups.map(({ classes }) => classes)).toEqual([[0], [1], [2]]);
    expect(engines).toBe(1);
    await expectNoLeak(async () => {
      await inspectPath(at('bundle'), { needEngine: async () => {} });
    });
  });

  test('of a demo takes the pre-training run, which is said', async () => {
    const demo = join(work, 'demo');
    cpSync(at('run'), join(demo, 'pretrain'), { recursive: true });
    cpSync(at('expected.json'), join(demo, 'demo.json'));
    const notes: string[] = [];
    const progress = {
      info: (text: string) => notes.push(text),
      warn() {},
      startBar: () => ({ update() {}, stop() {} }),
    };
    const found = await inspectPath(demo, { needEngine: async () => {}, progress });
    expect(found).toMatchObject({ what: 'kind-run', path: join(demo, 'pretrain'), checkpoints: [40] });
    expect(notes).toEqual([expect.stringMatching(/demo is a demo.*; this is the first$/)]);
  });

  test.each([
    ['a file of our keys', 'dots.safetensors', 'learngene'],
    ['a folder of diffusers', 'diffusers', 'diffusers'],
    ['the file in a folder of diffusers', 'diffusers/diffusion_pytorch_model.safetensors', 'diffusers'],
  ])('names layout, network and tensors of a dense model: %s', async (_, path, layout) => {
    const { found } = await inspected(at(path), 'tensors');
    const file = path === 'diffusers' ? at(path, 'diffusion_pytorch_model.safetensors') : at(path);
    const { tensors, metadata } = await readSafetensors(file);
    expect(found).toMatchObject({ layout, metadata });
    expect(found.tensors).toEqual([...tensors].map(([name, { shape }]) => ({ name, dtype: 'F32', shape: [...shape] })));
    expect(JSON.parse(found.metadata.classes)).toEqual(['dots']);
    // The shapes do not tell the heads of a width that is no preset's.
    expect(found.config).toBeNull();
  });

  test('tensors that are no DiT have neither layout nor network', async () => {
    const { found } = await inspected(at('bundle', 'tailors', 'dots.safetensors'), 'tensors');
    expect([found.layout, found.config]).toEqual([null, null]);
    expect(found.kind).toMatch(/bundle/);
  });

  describe('an autoencoder', () => {
    const configs = {
      tiny: tinyVaeConfig('taesd', { latentChannels: 5, scalingFactor: 3, shiftFactor: 0.25 }),
      own: tinyVaeConfig('shuffle', { latentChannels: 6, imageChannels: 1, scalingFactor: 0.5 }),
      kl: klVaeConfig({ widths: [4, 8], normGroups: 2, latentChannels: 2, blocksPerLevel: 1 }),
    };
    const vae = (name: string, ...file: string[]) => join(work, `${name}-vae`, ...file);
    beforeAll(async () => {
      for (const [name, config] of Object.entries(configs)) {
        const params = initVae(createGenerator(1), config as TinyVaeConfig);
        await writeVae(vae(name), { config, tensors: await paramsToTensorData(params) }, { dtype: 'F16' });
        disposeParams(params);
        mkdirSync(join(work, `${name}-run`));
        writeFileSync(
          join(work, `${name}-run`, 'config.json'),
          JSON.stringify({ format: 2, command: 'vae train', kind: 'autoencoder' }),
        );
        cpSync(vae(name), join(work, `${name}-run`, 'autoencoder'), { recursive: true });
      }
    });

    const names = Object.keys(configs) as (keyof typeof configs)[];
    const weightsOf = (name: keyof typeof configs) =>
      name === 'own' ? 'model.safetensors' : 'diffusion_pytorch_model.safetensors';
    const forms: [what: string, (name: keyof typeof configs) => string][] = [
      ['its folder', (name) => vae(name)],
      ['its weights', (name) => vae(name, weightsOf(name))],
      ['the run that trained it', (name) => join(work, `${name}-run`)],
    ];
    test.each(names.flatMap((name) => forms.map(([what, pathOf]) => [name, what, pathOf(name)] as const)))(
      '%s, by %s: kind, channels, scale, parameters, hash and size',
      async (name, _, path) => {
        const { found, engines } = await inspected(path, 'autoencoder');
        const config = configs[name];
        const files = ['config.json', weightsOf(name)].map((file) => statSync(vae(name, file)).size);
        expect(found).toMatchObject({
          config,
          downscale: vaeDownscale(config),
          parameters: await numbersIn(vae(name, weightsOf(name))),
          dtypes: ['F16'],
          weights: weightsOf(name),
          bytes: files.reduce((sum, size) => sum + size, 0),
          hash: (await readVae(vae(name))).hash,
        });
        expect(engines).toBe(0);
      },
    );

    test('that is shipped, by its name', async () => {
      const { found } = await inspected('emoji', 'autoencoder');
      expect(found).toMatchObject({ name: 'emoji', config: { type: 'tiny', latentChannels: 16 }, downscale: 8 });
      expect(found.path).toBeUndefined();
      expect(found.hash).toBe((await readAutoencoder({ name: 'emoji' })).hash);
    });

    test.each(names)('%s, by a file of its weights alone: what its tensors tell', async (name) => {
      const file = join(work, `${name}.safetensors`);
      cpSync(vae(name, weightsOf(name)), file);
      const { found } = await inspected(file, 'tensors');
      const { type, imageChannels, latentChannels } = configs[name];
      const layout = name === 'own' ? 'learngene' : 'diffusers';
      expect(found.autoencoder).toEqual({ type, layout, imageChannels, latentChannels });
      const words = type === 'kl' ? 'an AutoencoderKL' : 'a tiny autoencoder';
      const channels = `${imageChannels} channels of an image, ${latentChannels} of a latent`;
      expect(found.kind).toBe(`weights of ${words} without its config.json (${layout} keys; ${channels})`);
    });

    test.each<[string, () => string, RegExp]>([
      [
        'damaged weights',
        () => {
          cpSync(vae('kl'), join(work, 'damaged'), { recursive: true });
          writeFileSync(join(work, 'damaged', weightsOf('kl')), 'no tensors');
          return join(work, 'damaged');
        },
        /damaged: expected the folder of an autoencoder/,
      ],
      [
        'no weights',
        () => {
          cpSync(vae('kl'), join(work, 'without'), { recursive: true });
          rmSync(join(work, 'without', weightsOf('kl')));
          return join(work, 'without');
        },
        /without: expected the folder of an autoencoder/,
      ],
      [
        'a run that has not trained it yet',
        () => {
          cpSync(join(work, 'kl-run', 'config.json'), join(work, 'early', 'config.json'));
          return join(work, 'early');
        },
        /early: the run of an autoencoder, which the end of its training will write/,
      ],
    ])('with %s is refused by its path', async (_, make, message) => {
      const inspection = inspectPath(make(), { needEngine: async () => {} });
      await expect(inspection).rejects.toThrow(ConfigError);
      await expect(inspection).rejects.toThrow(message);
    });
  });

  test.each([
    ['nothing', 'none', 'none: no such file or folder'],
    ['another file', 'expected.json', '.pt or .pth file; this is a JSON file'],
    [
      'a part of a run',
      'run/checkpoints',
      'expected a run, a bundle, a demo, an autoencoder or a .safetensors, .pt or .pth file; this is',
    ],
  ])('%s at the path is refused by its name', async (_, path, message) => {
    const inspection = inspectPath(at(path), { needEngine: async () => {} });
    await expect(inspection).rejects.toThrow(ConfigError);
    await expect(inspection).rejects.toThrow(message);
  });
});

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ditConfig } from '@learngene/dit';
import { disposeParams } from '@learngene/nn';
import { convertTensors } from '@learngene/tensor-io/node';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../errors';
import { noProgress } from '../progress';
import { denseFile, denseParams, readDenseTensors } from './dense-model';
import { identify } from './identify';
import { inspectPath } from './inspect/inspect-path';
import { openPipeline } from './open-pipeline';

const at = (name: string) => fileURLToPath(new URL(`../../fixtures/torch/${name}`, import.meta.url));
const work = temporaryFolder('dense-torch');
/** The network of the fixtures. */
const config = ditConfig({
  ...{ inputSize: 4, patchSize: 2, inChannels: 1, hiddenSize: 8, depth: 1, heads: 2, classes: 3, learnSigma: true },
});

beforeAll(useTestBackend);

async function read(path: string) {
  const notes: string[] = [];
  const tensors = await readDenseTensors(path, { ...noProgress, info: (text) => void notes.push(text) });
  return { tensors, notes };
}

describe('a dense DiT in a file of torch', () => {
  test.each([
    ['checkpoint.pt', 0.5, /holds ema. and model.; the averaged weights \(ema.\) are taken$/],
    ['module.pth', 1, /the keys begin with module., which is taken off$/],
  ])('%s: its one model is read, and a note says which', async (name, scale, note) => {
    const { tensors, notes } = await read(at(name));
    expect(tensors.size).toBe(22);
    [...tensors.values()].forEach(({ data }, i) => {
      expect(new Set(Array.from(data as Float32Array))).toEqual(new Set([(scale * (i + 1)) / 64]));
    });
    expect(notes).toEqual([expect.stringMatching(note)]);
    tensors.delete('pos_embed'); // it would have to be the table of sines
    const params = denseParams(tensors, config);
    expect([...(await params.blocks[0].mlp.in.bias!.data())]).toEqual(new Array(32).fill((scale * 14) / 64));
    disposeParams(params);
  });

  test('several models without an average are refused with their names', async () => {
    await expect(read(at('two.pt'))).rejects.toThrow(ConfigError);
    await expect(read(at('two.pt'))).rejects.toMatchObject({
      message: expect.stringMatching(/holds several models, under first., second.; keep one$/),
      code: 'models-several',
    });
    const one = join(work, 'one.safetensors');
    await convertTensors(at('two.pt'), one, { key: 'second' });
    const { tensors } = await read(one);
    expect(tensors.get('pos_embed')!.data[0]).toBe(2 / 64);
  });

  test('the same checkpoint as safetensors gives the same tensors', async () => {
    const path = join(work, 'checkpoint.safetensors');
    await convertTensors(at('checkpoint.pt'), path);
    const [ours, theirs] = [await read(path), await read(at('checkpoint.pt'))];
    expect(new Map([...ours.tensors].sort())).toEqual(new Map([...theirs.tensors].sort()));
  });

  test('is told by its name', async () => {
    expect(await identify(at('checkpoint.pt'))).toEqual({
      kind: 'dense',
      what: 'a dense DiT in a file of torch, under ema. and model.',
    });
    expect(await identify(at('other.pt'))).toEqual({ kind: 'other', what: 'tensors of torch, but no DiT' });
    const needEngine = async () => {};
    const found = await inspectPath(at('module.pth'), { needEngine });
    expect(found).toMatchObject({ what: 'tensors', layout: 'facebook', metadata: {} });
    expect(found).toMatchObject({
      tensors: expect.arrayContaining([{ name: 'module.pos_embed', dtype: 'F32', shape: [1, 4, 8] }]),
    });
    expect(await inspectPath(at('other.pt'), { needEngine })).toMatchObject({ layout: null, config: null });
  });

  test('does not say how to sample from it', async () => {
    await expect(openPipeline(at('checkpoint.pt'))).rejects.toThrow(/does not say its diffusion process/);
  });

  test("diffusers' older folders have a .bin", async () => {
    const folder = join(work, 'diffusers');
    mkdirSync(folder);
    writeFileSync(join(folder, 'config.json'), '{"_class_name": "DiTTransformer2DModel"}');
    expect((await identify(folder)).what).toBe('a folder of diffusers without diffusion_pytorch_model.safetensors');
    const older = join(folder, 'diffusion_pytorch_model.bin');
    copyFileSync(at('module.pth'), older);
    expect((await identify(folder)).kind).toBe('dense');
    expect(denseFile(folder)).toBe(older);
  });
});

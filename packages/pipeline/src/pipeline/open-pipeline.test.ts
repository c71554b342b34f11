import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { assembleDense, countAssembled, type FetchPiece, type KindModel, openBundle } from '@learngene/kind';
import { disposeParams, mapParams, type ParamTree } from '@learngene/nn';
import { expectNoLeak } from '@learngene/testing';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError, PipelineDisposedError } from '../errors';
import { type Recipe, readRecipe } from '../recipe/recipe';
import { NonFinitePixelsError } from '../sample/finite-pixels';
import { openPipeline } from './open-pipeline';
import type { SampleOptions } from './pipeline';

const bundle = new URL('../../fixtures/format-1/bundle/', import.meta.url);
const files = (log: string[] = []): FetchPiece => {
  return async (file) => {
    log.push(file);
    return readFileSync(new URL(file, bundle));
  };
};
const recipe = readRecipe(JSON.parse(readFileSync(new URL('kind.json', bundle), 'utf8')).metadata, 'test') as Recipe;
const free = ({ params }: { params: object }) => disposeParams(params as ParamTree);

beforeAll(() => tf.setBackend('cpu'));

describe('a source', () => {
  test('an open bundle, one of some groups, a loaded model and the files give the same images', async () => {
    const asked = { classes: ['bars', 'flat'], count: 2, steps: 3 };
    const pipeline = await openPipeline(files());
    const { data } = await pipeline.sample(asked);
    pipeline.dispose();
    await expectNoLeak(async () => {
      const model = await openBundle(files());
      const some = await openBundle(files(), { groups: ['flat', 'bars'] });
      for (const source of [model, some, { model, recipe }]) {
        const other = await openPipeline(source);
        expect((await other.sample(asked)).data).toEqual(data);
        expect(other.classNames).toHaveLength(source === some ? 2 : 3);
        other.dispose();
      }
      for (const own of [model, some]) free(own); // still there: a pipeline disposes what is its own
    });
  });

  test('a dense DiT needs its recipe and the names of its classes', async () => {
    const whole = await openBundle(files());
    const model = assembleDense(whole, { group: 'dots' });
    const pipeline = await openPipeline({ model, recipe, classNames: ['dots'] });
    const alone = await openPipeline({ model: whole, recipe });
    const asked: SampleOptions = { classes: ['dots'], guidance: 1, steps: 4 };
    const [dense, factored] = [await pipeline.sample(asked), await alone.sample(asked)];
    const distance = dense.data.map((value, i) => Math.abs(value - factored.data[i]));
    expect(Math.max(...distance)).toBeLessThanOrEqual(1); // one product for two, in other sums
    expect(pipeline.classNames).toEqual(['dots']);
    for (const names of [[], undefined]) {
      const source = { model, recipe, classNames: names as string[] };
      await expect(openPipeline(source)).rejects.toThrow(/classNames: expected the names of the model's 1 classes/);
    }
    const bare = { model: whole } as unknown as { model: KindModel; recipe: Recipe };
    await expect(openPipeline(bare)).rejects.toThrow(/source.recipe: expected the recipe/);
    for (const own of [pipeline, alone]) own.dispose();
    for (const own of [model, whole]) free(own);
  });

  test.each([[undefined], ['bundle'], [{}], [null]])('%j is refused', async (source) => {
    await expect(openPipeline(source as unknown as URL)).rejects.toThrow(/source: expected a URL/);
  });

  test('a bundle without a recipe is refused', async () => {
    const { config, params } = await openBundle(files());
    const bare = openPipeline({ config, params, metadata: {} });
    await expect(bare).rejects.toThrow(/kind.json: expected metadata.config/);
    free({ params });
  });
});

describe('composing', () => {
  test('fetches kind.json, what all classes share and the tailors of the classes that are named, each once', async () => {
    const log: string[] = [];
    const pipeline = await openPipeline(files(log), { classes: ['flat', 'bars'] });
    expect(log).toEqual([
      'kind.json',
      'learngenes.safetensors',
      'shared.safetensors',
      'tailors/flat.safetensors',
      'tailors/bars.safetensors',
    ]);
    expect(pipeline.classNames).toEqual(['flat', 'bars']);
    const whole = await openPipeline(files());
    const asked = { classes: ['bars', 'flat'], steps: 3 };
    expect((await pipeline.sample(asked)).data).toEqual((await whole.sample(asked)).data);
    for (const own of [pipeline, whole]) own.dispose();
  });

  test('cuts to a budget', async () => {
    await expectNoLeak(async () => {
      const whole = await openPipeline(files());
      const { parameters } = countAssembled(whole.model as KindModel);
      const budget = { parameters: parameters - 100 };
      const small = await openPipeline(files(), { budget });
      expect(countAssembled(small.model as KindModel).parameters).toBeLessThanOrEqual(budget.parameters);
      expect(small.classNames).toEqual(whole.classNames);
      expect((await small.sample({ steps: 3 })).data).not.toEqual((await whole.sample({ steps: 3 })).data);
      for (const own of [whole, small]) own.dispose();
      const least = openPipeline(files(), { budget: { parameters: 10 } });
      await expect(least).rejects.toThrow(/budget.parameters: expected at least \d+/);
    });
  });

  test('refuses what it cannot do, before any tailor is fetched', async () => {
    const log: string[] = [];
    await expect(openPipeline(files(log), { classes: ['dot'] })).rejects.toThrow(
      /classes: the model has no class "dot".*did you mean "dots"\?/,
    );
    expect(log).toEqual(['kind.json']);
    const some = await openBundle(files(), { groups: ['flat'] });
    await expect(openPipeline(some, { classes: ['bars'] })).rejects.toThrow(/tailors of "bars" are not in the model/);
    free(some);
    const misspelt = { clases: ['dots'] } as object;
    await expect(openPipeline(files(), misspelt)).rejects.toThrow(
      'openPipeline: unknown option clases; did you mean classes?',
    );
    await expect(openPipeline(files(), { classes: 'dots' as unknown as string[] })).rejects.toThrow(
      /classes: expected an array/,
    );
    await expect(openPipeline(files(), { decode: 1 as never })).rejects.toThrow(/decode: expected a function, got 1/);
  });
});

describe('sample', () => {
  test('gives the same bytes for the same seed, whatever was sampled before', async () => {
    const pipeline = await openPipeline(files());
    const asked = { count: 2, seed: 7, steps: 3, sampler: 'ddpm' } as const;
    const first = await pipeline.sample(asked);
    const other = await pipeline.sample({ ...asked, seed: 8 });
    expect(other.data).not.toEqual(first.data);
    const [again, beside] = await Promise.all([pipeline.sample(asked), pipeline.sample({ ...asked, seed: 8 })]);
    expect(again).toEqual(first);
    expect(beside).toEqual(other);
    pipeline.dispose();
  });

  test('reports steps, and decodes latents', async () => {
    const decode = (latents: tf.Tensor4D) => tf.tidy(() => tf.neg(latents)) as tf.Tensor4D;
    const pipeline = await openPipeline(files(), { decode });
    const plain = await openPipeline(files());
    const steps: string[] = [];
    const asked: SampleOptions = {
      count: 2,
      batchSize: 4,
      steps: 2,
      onStep: ({ step, steps: all }) => void steps.push(`${step} of ${all}`),
    };
    const { data } = await pipeline.sample(asked);
    expect(steps).toEqual(['1 of 4', '2 of 4', '3 of 4', '4 of 4']);
    const inverse = (await plain.sample({ ...asked, onStep: undefined })).data.map((value) => 255 - value);
    const distance = data.map((value, i) => Math.abs(value - inverse[i]));
    expect(Math.max(...distance)).toBeLessThanOrEqual(1); // a value between two bytes is rounded up on both sides
    for (const own of [pipeline, plain]) own.dispose();
  });

  test.each<[string, object, string | RegExp]>([
    [
      'an unknown class',
      { classes: ['flt'] },
      'classes: the model has no class "flt"; it has "bars", "dots", "flat"; did you mean "flat"?',
    ],
    ['no class', { classes: [] }, 'classes: expected at least one class, got none'],
    ['a class twice', { classes: ['bars', 'bars'] }, 'classes: expected each class once, got "bars" twice'],
    ['a name for a list', { classes: 'bars' }, 'classes: expected an array of names, got "bars"'],
    ['no image', { count: 0 }, 'count: expected a whole number of at least 1, got 0'],
    ['no number', { count: Number.NaN }, 'count: expected a whole number of at least 1, got NaN'],
    ['a part of an image', { count: 1.5 }, 'count: expected a whole number'],
    ['a negative seed', { seed: -1 }, 'seed: expected a whole number of at least 0, got -1'],
    ['no batch', { batchSize: 0 }, 'batchSize: expected a whole number'],
    ['too many steps', { steps: 51 }, /sampling.steps: expected at most diffusion.timesteps, 50, got 51/],
    ['another sampler', { sampler: 'plms' }, /sampling.sampler/],
    [
      'eta for a sampler without',
      { sampler: 'unipc', eta: 0.5 },
      'eta: has no part with the sampler unipc; only ddim takes it',
    ],
    ['an unknown option', { guidence: 2 }, 'sample: unknown option guidence; did you mean guidance?'],
    ['no signal', { signal: {} }, 'signal: expected an AbortSignal'],
    ['no function', { onStep: 3 }, 'onStep: expected a function, got 3'],
  ])('%s is refused', async (_, options, message) => {
    const pipeline = await openPipeline(files());
    await expect(pipeline.sample(options)).rejects.toThrow(ConfigError);
    await expect(pipeline.sample(options)).rejects.toThrow(message);
    pipeline.dispose();
  });

  test('stops at an abort with its reason, and samples on after it', async () => {
    await expectNoLeak(async () => {
      const pipeline = await openPipeline(files());
      const controller = new AbortController();
      const seen: number[] = [];
      const stopped = pipeline.sample({
        signal: controller.signal,
        onStep: ({ step }) => {
          seen.push(step);
          if (step === 2) controller.abort(new Error('enough'));
        },
      });
      await expect(stopped).rejects.toThrow('enough');
      expect(seen).toEqual([1, 2]);
      expect((await pipeline.sample({ steps: 1 })).count).toBe(3);
      pipeline.dispose();
    });
  });

  test('refuses pixels that are NaN, naming where to look', async () => {
    const { config, params } = await openBundle(files());
    const broken = mapParams((leaf) => tf.mul(leaf, Number.NaN), params) as typeof params;
    const pipeline = await openPipeline({ model: { config, params: broken }, recipe });
    await expect(pipeline.sample({ steps: 1 })).rejects.toThrow(NonFinitePixelsError);
    pipeline.dispose();
    for (const own of [params, broken]) free({ params: own });
  });

  test('is refused after dispose, which ends a sample on the way', async () => {
    await expectNoLeak(async () => {
      const pipeline = await openPipeline(files());
      const running = pipeline.sample({ onStep: ({ step }) => (step === 1 ? pipeline.dispose() : undefined) });
      await expect(running).rejects.toThrow(PipelineDisposedError);
      await expect(pipeline.sample()).rejects.toThrow('sample: the pipeline is disposed');
      pipeline.dispose();
    });
  });
});

describe('a bundle on a server', () => {
  let server: Server;
  const requests: string[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      const { pathname, search } = new URL(request.url as string, 'http://localhost');
      requests.push(
        `${pathname}${search} ${request.headers.range ?? 'whole'} ${request.headers['x-key'] ?? ''}`.trim(),
      );
      const bytes = readFileSync(new URL(pathname.replace(/^\/(plain|ranges)\//, ''), bundle));
      const [start, end] = /bytes=(\d+)-(\d+)/
        .exec(request.headers.range ?? '')
        ?.slice(1)
        .map(Number) ?? [0, 0];
      if (pathname.startsWith('/plain/')) return response.end(bytes);
      const last = Math.min(end, bytes.length - 1);
      response.writeHead(206, { 'content-range': `bytes ${start}-${last}/${bytes.length}` });
      return response.end(bytes.subarray(start, last + 1));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => server.close());

  test.each(['ranges', 'plain'])('%s', async (kind) => {
    requests.length = 0;
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${kind}`);
    const pipeline = await openPipeline(url, { classes: ['dots'] });
    const near = await openPipeline(files(), { classes: ['dots'] });
    const asked = { count: 2, steps: 2 };
    expect((await pipeline.sample(asked)).data).toEqual((await near.sample(asked)).data);
    expect(requests).toEqual(
      ['kind.json', 'learngenes.safetensors', 'shared.safetensors', 'tailors/dots.safetensors'].map(
        (file) => `/${kind}/${file} bytes=0-65535`,
      ),
    );
    for (const own of [pipeline, near]) own.dispose();
  });
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../errors';
import { readConfigFile } from '../node/read-config-file';
import { mergeConfig, parseAssignment, parseConfig } from './load';

const folder = temporaryFolder('config');

describe('parseConfig', () => {
  test('fills in the defaults', () => {
    const config = parseConfig({ training: { steps: 5 } }, 'here');
    expect(config).toMatchObject({
      seed: 0,
      data: { holdOut: 0.1 },
      training: { steps: 5, batchSize: 32 },
    });
    expect(parseConfig(config, 'here')).toEqual(config);
  });
  test.each<[string, unknown, string]>([
    ['a key that is near none', { banana: 1 }, 'unknown key banana; expected one of seed, data, autoencoder, model,'],
    ['a key at the top', { sed: 1 }, 'here: unknown key sed; did you mean seed?'],
    ['a key in a section', { training: { stepz: 1 } }, 'unknown key training.stepz; did you mean training.steps?'],
    ['a key of one section at the top', { batchSize: 1 }, 'unknown key batchSize; did you mean training.batchSize?'],
    [
      'a key of one section in another',
      { model: { holdOut: 1 } },
      'unknown key model.holdOut; did you mean data.holdOut?',
    ],
    ['two keys', { a: 1, training: { b: 1 } }, 'unknown key a'],
    ['a section that is no object', { training: 3 }, 'training: '],
    ['a wrong choice', { model: { gate: 'open' } }, 'model.gate: '],
    ['a fraction of steps', { training: { steps: 1.5 } }, 'training.steps: '],
    ['no object', [], 'config: '],
    ['a preset', { model: { preset: 'DiT-M/2' } }, 'model.preset: expected DiT-{S,B,L,XL}/{2,4,8}'],
    ['a variance without its head', { diffusion: { variance: 'learned-range' } }, 'needs model.learnSigma true'],
    ...['ddpm', 'ddim', 'dpm-solver++', 'unipc'].map((sampler): [string, unknown, string] => [
      `a flow with ${sampler}`,
      { diffusion: { process: 'flow' }, sampling: { sampler } },
      `sampling.sampler: flow matching takes euler or heun, got ${sampler}`,
    ]),
    [
      'a flow that predicts images',
      { diffusion: { process: 'flow', prediction: 'x0' } },
      'diffusion.prediction: a flow predicts velocity, got x0',
    ],
    [
      'a flow with numbered timesteps',
      { diffusion: { process: 'flow', timestepSampler: 'loss-second-moment' } },
      'diffusion.timestepSampler: a flow takes uniform or logit-normal, got loss-second-moment',
    ],
    [
      'a flow with a noise schedule',
      { diffusion: { process: 'flow', schedule: 'linear' } },
      'diffusion.schedule: a flow has straight paths and no noise schedule, got linear; leave it out',
    ],
    [
      'a flow of 50 timesteps',
      { diffusion: { process: 'flow', timesteps: 50 } },
      'diffusion.timesteps: the times of a',
    ],
    [
      'a flow with a variance',
      { diffusion: { process: 'flow', variance: 'fixed-large' } },
      'diffusion.variance: a flow has no reverse variance, got fixed-large; leave it out',
    ],
    [
      'logit-normal times of Gaussian diffusion',
      { diffusion: { timestepSampler: 'logit-normal' } },
      'diffusion.timestepSampler: logit-normal is for diffusion.process flow',
    ],
    [
      'a mean of uniform timesteps',
      { diffusion: { timestepMean: 0 } },
      'diffusion.timestepMean: has a part only with timestepSampler logit-normal; leave it out',
    ],
    [
      'a deviation of uniform times',
      { diffusion: { process: 'flow', timestepSampler: 'uniform', timestepStd: 1 } },
      'diffusion.timestepStd: has a part only with timestepSampler logit-normal; leave it out',
    ],
    ['no deviation', { diffusion: { process: 'flow', timestepStd: 0 } }, 'diffusion.timestepStd: '],
    [
      'more sampling steps than there are',
      { diffusion: { timesteps: 10 } },
      'sampling.steps: expected at most diffusion.timesteps, 10, got 50',
    ],
    ['a prototype', JSON.parse('{"training":{"__proto__":{"steps":1}}}'), '__proto__'],
  ])('refuses %s', (_, value, message) => {
    expect(() => parseConfig(value, 'here')).toThrow(ConfigError);
    expect(() => parseConfig(value, 'here')).toThrow(message);
  });
});

test.each<[object, string]>([
  [{}, 'ddim'],
  [{ diffusion: { process: 'gaussian' } }, 'ddim'],
  [{ diffusion: { process: 'flow' } }, 'euler'],
  [{ diffusion: { process: 'flow' }, sampling: {} }, 'euler'],
  [{ diffusion: { process: 'flow' }, sampling: { steps: 7, guidance: 2 } }, 'euler'],
  [{ diffusion: { process: 'flow' }, sampling: { sampler: 'heun' } }, 'heun'],
  [{ diffusion: { process: 'flow' }, autoencoder: { name: 'emoji' } }, 'euler'],
  [{ diffusion: { process: 'gaussian' }, sampling: { sampler: 'heun' } }, 'heun'],
])('of %j the sampler is %s', (asked, sampler) => {
  const config = parseConfig(asked, 'here');
  expect(config.sampling.sampler).toBe(sampler);
  expect(config.sampling).toMatchObject((asked as { sampling?: object }).sampling ?? {});
  expect(parseConfig(config, 'here')).toEqual(config);
});

describe('a flow', () => {
  const sampling = { sampler: 'euler' };
  test('predicts velocities at logit-normal times by default, and says so', () => {
    const config = parseConfig({ diffusion: { process: 'flow' }, sampling }, 'here');
    expect(config.diffusion).toEqual({
      process: 'flow',
      schedule: 'cosine',
      timesteps: 1000,
      prediction: 'velocity',
      variance: 'fixed-small',
      timestepSampler: 'logit-normal',
      timestepMean: 0,
      timestepStd: 1,
    });
    expect(parseConfig(config, 'here')).toEqual(config);
  });
  test('keeps the times that are asked for', () => {
    const even = parseConfig({ diffusion: { process: 'flow', timestepSampler: 'uniform' }, sampling }, 'here');
    expect(even.diffusion).toMatchObject({ timestepSampler: 'uniform', prediction: 'velocity' });
    expect(Object.keys(even.diffusion)).not.toContain('timestepMean');
    const narrow = parseConfig(
      { diffusion: { process: 'flow', timestepMean: -0.5, timestepStd: 2 }, sampling },
      'here',
    );
    expect(narrow.diffusion).toMatchObject({ timestepSampler: 'logit-normal', timestepMean: -0.5, timestepStd: 2 });
  });
  test('of an older version is what it was, whatever its configuration said', () => {
    const stored = {
      process: 'flow',
      schedule: 'linear',
      timesteps: 50,
      predict: 'start',
      variance: 'fixed-small',
      timestepSampler: 'loss-second-moment',
    };
    const { diffusion } = parseConfig({ diffusion: stored, sampling }, 'here');
    expect(diffusion).toEqual(parseConfig({ diffusion: { process: 'flow' }, sampling }, 'here').diffusion);
    const gaussian = parseConfig({ diffusion: { ...stored, process: 'gaussian' } }, 'here').diffusion;
    expect(gaussian).toMatchObject({ schedule: 'linear', prediction: 'x0', timestepSampler: 'loss-second-moment' });
    expect(Object.keys(gaussian)).not.toContain('timestepMean');
  });
});

describe('mergeConfig', () => {
  test('later values win field by field; arrays are replaced; undefined changes nothing', () => {
    const base = { seed: 1, data: { novel: ['a', 'b'], size: 8 } };
    expect(mergeConfig(base, { data: { novel: ['c'], size: undefined }, training: { steps: 2 } })).toEqual({
      seed: 1,
      data: { novel: ['c'], size: 8 },
      training: { steps: 2 },
    });
    expect(base.data.novel).toEqual(['a', 'b']);
  });
  test('leaves no undefined behind', () => {
    expect(Object.keys(mergeConfig({}, { data: { path: undefined, size: 4 } }).data as object)).toEqual(['size']);
  });
  test.each([
    [
      'a path, by the name of a shipped one',
      { path: '/a', hash: 'h' },
      { name: 'emoji' },
      { name: 'emoji', hash: 'h' },
    ],
    ['a path with a name, by a shipped one', { path: '/a', name: 'a' }, { name: 'emoji' }, { name: 'emoji' }],
    ['a shipped one, by a path', { name: 'emoji', scalingFactor: 2 }, { path: '/a' }, { path: '/a', scalingFactor: 2 }],
    ['a path, by a path; its name stays', { path: '/a', name: 'a' }, { path: '/b' }, { path: '/b', name: 'a' }],
    ['only what messages call it', { path: '/a' }, { name: 'mine' }, { path: '/a', name: 'mine' }],
    ['both, by both', { name: 'emoji' }, { path: '/emoji', name: 'emoji' }, { path: '/emoji', name: 'emoji' }],
    ['no place', { name: 'emoji' }, { hash: 'h', path: undefined }, { name: 'emoji', hash: 'h' }],
  ])('of the place of an autoencoder it replaces %s', (_, before, override, merged) => {
    const base = { seed: 1, autoencoder: before };
    expect(mergeConfig(base, { autoencoder: override })).toEqual({ seed: 1, autoencoder: merged });
    expect(base).toEqual({ seed: 1, autoencoder: before });
  });
  test.each(['__proto__', 'constructor', 'prototype'])('refuses %s at any depth', (key) => {
    for (const text of [`{"${key}":1}`, `{"training":{"${key}":{"x":1}}}`]) {
      expect(() => mergeConfig({}, JSON.parse(text))).toThrow(`unknown key ${key}`);
    }
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});

/** Every field that had another name: section, old name and value, name and value of today. */
const RENAMED = [
  ['model', 'flavour', 'diffusers', 'variant', 'diffusers'],
  ['diffusion', 'predict', 'start', 'prediction', 'x0'],
  ['diffusion', 'predict', 'velocity', 'prediction', 'velocity'],
  ['training', 'factorRate', 0.5, 'factorLearningRateScale', 0.5],
  ['training', 'gradientClip', 0.25, 'clipNorm', 0.25],
] as const;

describe.each(RENAMED)('%s.%s by its old name (%s)', (section, oldName, oldValue, name, value) => {
  const old = {
    training: { steps: 3 },
    [section]: { ...(section === 'training' && { steps: 3 }), [oldName]: oldValue },
  };
  test.each([
    ['a record or a recipe', () => parseConfig(old, 'here')],
    ['an assignment', () => parseConfig(parseAssignment(`${section}.${oldName}=${oldValue}`), 'here')],
    [
      'a file',
      async () => {
        const path = join(folder, 'old.json');
        writeFileSync(path, JSON.stringify(old));
        const file = await readConfigFile(path);
        expect(file[section]).toMatchObject({ [name]: value });
        expect(file[section]).not.toHaveProperty(oldName);
        return parseConfig(file, path);
      },
    ],
  ])('is read in %s', async (_, read) => {
    expect((await read())[section]).toMatchObject({ [name]: value });
  });
  test('in a file is overridden by the name of today', async () => {
    const path = join(folder, 'old.json');
    writeFileSync(path, JSON.stringify(old));
    const other = { diffusers: 'facebook', x0: 'epsilon', velocity: 'epsilon', 0.5: 2, 0.25: 2 }[value];
    const merged = mergeConfig(await readConfigFile(path), parseAssignment(`${section}.${name}=${other}`));
    const config = parseConfig(merged, 'here');
    expect(config.training.steps).toBe(3);
    expect(config[section]).toMatchObject({ [name]: other });
  });
  test('is refused beside the name of today, and in another section', () => {
    expect(() => parseConfig({ [section]: { [oldName]: oldValue, [name]: value } }, 'here')).toThrow(
      `here: ${section}.${oldName} is the old name of ${section}.${name}; give one of them`,
    );
    expect(() => parseConfig({ sampling: { [oldName]: oldValue } }, 'here')).toThrow(`unknown key sampling.${oldName}`);
  });
});

test('a value by its old name is refused under the name of today', () => {
  expect(() => parseConfig({ diffusion: { prediction: 'start' } }, 'here')).toThrow('diffusion.prediction');
});

describe('parseAssignment', () => {
  test.each<[string, object]>([
    ['seed=3', { seed: 3 }],
    ['training.steps=100', { training: { steps: 100 } }],
    ['data.path=a=b', { data: { path: 'a=b' } }],
    ['data.novel=["a,b","c"]', { data: { novel: ['a,b', 'c'] } }],
    ['data.flip=false', { data: { flip: false } }],
    ['data.source=emoji', { data: { source: 'emoji' } }],
    ['data.path=', { data: { path: '' } }],
  ])('%s', (text, expected) => expect(parseAssignment(text)).toEqual(expected));
  test.each(['seed', '=3', ''])('refuses %j', (text) => {
    expect(() => parseAssignment(text)).toThrow('assignment: expected key=value');
  });
});

describe('readConfigFile', () => {
  const write = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  test('reads an object as written', async () => {
    expect(await readConfigFile(write('a.json', '{"seed": 4}'))).toEqual({ seed: 4 });
  });
  test.each([
    ['array.json', '[1]', 'expected a JSON object'],
    ['null.json', 'null', 'expected a JSON object'],
    ['text.json', '{seed: 1}', 'not valid JSON'],
    ['large.json', `"${'x'.repeat(1 << 20)}"`, 'too large for a config'],
  ])('refuses %s', async (name, text, message) => {
    await expect(readConfigFile(write(name, text))).rejects.toThrow(message);
  });
  test('refuses what is missing and folders', async () => {
    await expect(readConfigFile(join(folder, 'none.json'))).rejects.toThrow(ConfigError);
    await expect(readConfigFile(folder)).rejects.toThrow('cannot be read');
  });
});

test('without the name of its source a configuration is called so', () => {
  expect(() => parseConfig({ a: 1 })).toThrow(/^config: unknown key a/);
});

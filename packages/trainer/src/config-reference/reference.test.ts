import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { KL_VAE_PRESETS, TINY_VAE_PRESETS } from '@learngene/vae';
import { describe, expect, test } from 'vitest';
import { modelFields, parseVaeTrainingConfig } from '../vae/config';
import { CONFIG_KINDS, configReference, writeConfigSchema } from './reference';

describe.each(CONFIG_KINDS)('the configuration of %s', (kind) => {
  const { keys, rows } = configReference(kind);

  test.each(keys.map((entry) => [entry.key, entry] as const))('%s has a meaning and a range', (_, entry) => {
    expect(entry.meaning).toMatch(/\S{2,}/);
    if (entry.range === undefined) expect(keys.some(({ key }) => key.startsWith(`${entry.key}.`))).toBe(true);
    else expect(entry.range).not.toMatch(/^$|any|undefined|9007199254740991/);
  });

  test('rows have every key once', () => {
    expect(rows.map(([name]) => name).filter((name) => name !== '')).toEqual(keys.map(({ key }) => key));
    expect(new Set(keys.map(({ key }) => key)).size).toBe(keys.length);
  });
});

test('the keys of a training with their ranges and defaults', () => {
  const of = (key: string) => configReference('train', key).keys;
  expect(of('training.steps')).toEqual([
    { key: 'training.steps', meaning: 'optimiser steps in all', range: 'whole number, above 0', default: 2000 },
  ]);
  expect(of('data.holdOut')).toMatchObject([{ range: 'number, at least 0 and at most 1', default: 0.1 }]);
  expect(of('sampling.clip')).toMatchObject([{ range: 'true | false, or number, above 0', default: true }]);
  expect(of('data.superclasses')).toMatchObject([{ range: 'text, or { name: list of text, ... }' }]);
  expect(of('model.groups')).toMatchObject([
    { range: 'list of { name: text, classes: list of text, tailorRank?: whole number, above 0 }' },
  ]);
  expect(of('data.split')).toMatchObject([{ range: 'train | test', default: 'train' }]);
  expect(of('seed')).toMatchObject([{ range: 'whole number, at least 0', default: 0 }]);
  expect(of('validation').map(({ key }) => key)).toEqual([
    ...['validation', 'validation.every', 'validation.images', 'validation.fidEvery', 'validation.fidImages'],
    'validation.fidClassifierSteps',
  ]);
  expect(configReference('train', 'training.steps').rows).toEqual([
    ['training.steps', 'optimiser steps in all'],
    ['', '  whole number, above 0; default 2000'],
  ]);
});

test('a key that there is not is refused, with one that is near', () => {
  for (const [key, message] of [
    ['steps', 'key: there is no steps; did you mean training.steps or sampling.steps?'],
    ['training.stepz', 'key: there is no training.stepz; did you mean training.steps?'],
    [
      'qqq',
      'key: there is no qqq; expected one of data, autoencoder, model, diffusion, training, validation, sampling',
    ],
  ]) {
    expect(() => configReference('train', key)).toThrow(message);
  }
});

test('the model of an autoencoder has every field of both kinds, and each default of a preset is of its range', () => {
  const own = configReference('vae', 'model').keys.map(({ key }) => key.replace(/^model\.?/, ''));
  const fields = [...modelFields('taesd'), ...modelFields('sd1')];
  expect(new Set(own.filter((key) => key !== '' && key !== 'preset'))).toEqual(new Set(fields));
  for (const [preset, values] of Object.entries({ ...TINY_VAE_PRESETS, ...KL_VAE_PRESETS })) {
    const given = Object.entries(values).filter(([name]) => fields.includes(name));
    const loss = preset in KL_VAE_PRESETS ? { latentNoise: 0 } : {};
    parseVaeTrainingConfig({ model: { preset, ...Object.fromEntries(given) }, loss }, 'test');
  }
});

describe('the JSON schema', () => {
  const folder = temporaryFolder('schema');
  test.each(CONFIG_KINDS)('of %s allows what may be left out, and no other key', async (kind) => {
    const file = join(folder, `${kind}.json`);
    await writeConfigSchema(kind, file);
    const schema = JSON.parse(readFileSync(file, 'utf8'));
    expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#');
    const sections = Object.entries<{ properties?: object; additionalProperties?: unknown; required?: string[] }>(
      schema.properties,
    ).filter(([, section]) => section.properties !== undefined);
    expect(schema.additionalProperties).toBe(false);
    expect(schema.required ?? []).toEqual([]);
    for (const [name, section] of sections) {
      expect([name, section.additionalProperties]).toEqual([name, false]);
      expect([name, section.required ?? []]).toEqual([name, name === 'validation' ? ['every'] : []]);
    }
    expect(schema.properties.$schema.type).toBe('string');
  });
});

import { noProgress, parseConfig } from '@learngene/pipeline';
import { expect, test } from 'vitest';
import { scheduleOf } from '../config/from-config';
import { changedKeys, checkSameStart, continuedConfig, withChanges } from './continue-run';

const data = { source: 'folder', path: '/photos', size: 32, classes: ['Owl', 'cat'], novel: ['bat'] };
const CONSTANT = { learningRate: 0.5, warmup: 10, steps: 100 };
const COSINE = { ...CONSTANT, decay: 'cosine' };

function continued(training: object, requested: object, { done = 100, hold = false } = {}) {
  const said: string[] = [];
  const config = parseConfig({ data, training });
  const result = continuedConfig(
    config,
    { requested: requested as Record<string, unknown>, hold },
    {
      run: 'runs/a',
      done,
      parse: parseConfig,
      schedule: scheduleOf,
      progress: { ...noProgress, info: (text) => void said.push(text) },
    },
  );
  return { config, result, said };
}

test.each<[string, object, object?, object?]>([
  ['nothing', {}],
  ['its own steps', { training: { steps: 100 } }],
  ['a rate that it holds already', { training: { steps: 100 } }, { holdFrom: 50 }, { hold: true }],
  ['the whole command', { data: { path: '/photos', classes: ['cat', 'Owl'], novel: ['bat'] }, training: CONSTANT }],
])('a run asked for %s keeps its configuration', (_, requested, more = {}, options = {}) => {
  const { config, result, said } = continued({ ...CONSTANT, ...more }, requested, options);
  expect([result, said]).toEqual([config, []]);
});

/** Learning rates of steps, counted from 0. */
const ratesAt = (config: ReturnType<typeof parseConfig>, steps: number[]) => steps.map(scheduleOf(config).learningRate);

test('more steps stretch a cosine, or hold its last rate', () => {
  const longer = { training: { steps: 200 } };
  const stretched = continued(COSINE, longer);
  expect(stretched.result.training).toMatchObject({ steps: 200, decay: 'cosine' });
  expect(ratesAt(stretched.result, [10, 105, 200])).toEqual([0.5, 0.25, 0]);
  const held = continued(COSINE, longer, { hold: true, done: 55 });
  expect(held.result.training).toMatchObject({ steps: 200, decaySteps: 100, holdFrom: 55 });
  const [last] = ratesAt(held.config, [54]);
  expect(ratesAt(held.result, [9, 54, 55, 150, 199])).toEqual([...ratesAt(held.config, [9]), last, last, last, last]);
  expect(held.said).toEqual([
    `runs/a: 100 steps become 200; learning rate ${Number(last.toPrecision(4))} before, ${Number(last.toPrecision(4))} from step 56 on`,
  ]);
  expect(stretched.said[0]).toMatch(
    /^runs\/a: 100 steps become 200; learning rate 0.0001523 before, 0.2706 from step 101 on$/,
  );
});

test('a run that was extended is extended again', () => {
  const held = { ...COSINE, steps: 200, decaySteps: 100, holdFrom: 55 };
  const again = continued(held, { training: { steps: 300 } }, { hold: true, done: 200 });
  expect(again.result.training).toMatchObject({ steps: 300, decaySteps: 100, holdFrom: 55 });
  const stretched = continued(held, { training: { steps: 300 } }, { done: 200 });
  expect(stretched.result.training.steps).toBe(300);
  expect(stretched.result.training).not.toHaveProperty('decaySteps');
  expect(stretched.result.training).not.toHaveProperty('holdFrom');
});

test('a cosine of a length of its own keeps it', () => {
  const own = { ...COSINE, decaySteps: 60 };
  expect(continued(own, { training: { steps: 200 } }).result.training).toMatchObject({ steps: 200, decaySteps: 60 });
});

test.each<[string, object, { done?: number; hold?: boolean }, string]>([
  ['data', { data: { path: '/other' } }, {}, 'data.path: the run has "/photos", got "/other"; a run that is continued'],
  ['other classes', { data: { classes: ['owl'] } }, {}, 'data.classes: the run has ["Owl","cat"], got ["owl"]'],
  [
    'a rate',
    { training: { learningRate: 1, warmup: 3 } },
    {},
    'training.learningRate: the run has 0.5, got 1; training.warmup:',
  ],
  ['an unknown key', { training: { step: 3 } }, {}, 'unknown key training.step; did you mean training.steps?'],
  [
    'steps that were done',
    { training: { steps: 50 } },
    {},
    'training.steps: expected more than the 100 steps that were done, got 50',
  ],
  ['a held rate alone', {}, { hold: true }, 'hold: has a part only with more steps than the run has'],
  ['a held rate of no step', { training: { steps: 200 } }, { hold: true, done: 0 }, 'hold: no step was done'],
])('%s that the run does not have are refused by name', (_, requested, options, message) => {
  expect(() => continued(CONSTANT, requested, options)).toThrow(message);
});

test('what is said again of the start has to be so', () => {
  const facts = { kind: { own: 'kind', given: undefined }, dense: { own: undefined, given: '/a' } };
  expect(() => checkSameStart('runs/a', facts)).toThrow('dense: runs/a was started with none, got "/a"');
  expect(() => checkSameStart('runs/a', { kind: { own: 'kind', given: 'kind' } })).not.toThrow();
});

test('a record notes what changed and when', () => {
  const record = { config: { data: { path: '/a' }, training: { steps: 5 } }, other: 1 };
  expect(withChanges(record, { data: { path: '/a' }, training: { steps: 5 } }, 4)).toBe(record);
  const once = withChanges(record, { data: { path: '/b' }, training: { steps: 5 } }, 4);
  expect(once).toEqual({
    config: { data: { path: '/b' }, training: { steps: 5 } },
    other: 1,
    changes: [{ step: 4, config: { 'data.path': ['/a', '/b'] } }],
  });
  const twice = withChanges(once, { data: { path: '/b' }, training: { steps: 9 } }, 5);
  expect(twice).toMatchObject({ changes: [{ step: 4 }, { step: 5, config: { 'training.steps': [5, 9] } }] });
});

test('differences name keys that only one of two configurations has', () => {
  expect(changedKeys({ a: { b: 1 } }, { a: { c: [1] }, d: undefined })).toEqual({
    'a.b': [1, null],
    'a.c': [null, [1]],
  });
});

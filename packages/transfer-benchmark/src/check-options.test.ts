import { noProgress } from '@learngene/pipeline';
import { tinyPlan } from '@learngene/testing';
import { describe, expect, test } from 'vitest';
import * as benchmark from './index';

const plan = benchmark.parsePlan(tinyPlan('images.safetensors'), 'plan');
const jobs = benchmark.resolveJobs(plan);
const [job] = jobs.values();
const { signal } = new AbortController();
const engine = { name: 'test', detail: 'test' };
const run = { out: 'out', plan, jobs, engine, workers: 1, execute: async () => {}, progress: noProgress, signal };
const worker = { out: 'out', engine: 'cpu', workers: 1, signal, warn() {} };
const context = { out: 'out', engine: 'cpu', progress: noProgress, signal, onProgress() {} };

/** Good arguments of every function of the package, and what the message for each calls it. */
const functions: Record<string, [values: unknown[], names: (string | RegExp)[]]> = {
  checkMethods: [
    [plan, ['kind']],
    ['checkMethods: plan', 'only'],
  ],
  checkPlaces: [
    ['out', plan],
    ['out', 'checkPlaces: plan'],
  ],
  hasResult: [[job], ['job']],
  methodOf: [[job], ['job']],
  parsePlan: [
    [tinyPlan('a'), 'plan'],
    ['plan: plan', 'source'],
  ],
  readPlan: [['plan.json'], ['path']],
  resolveJobs: [[plan], ['resolveJobs: plan']],
  runBenchmark: [[run], ['options']],
  runJob: [
    [context, job],
    ['options', 'job'],
  ],
  selectJobs: [
    [jobs, ['kind']],
    ['jobs', 'methods'],
  ],
  withAutoencoders: [[plan], ['withAutoencoders: plan']],
  withDataPaths: [
    [plan, { tiny: 'there' }],
    ['withDataPaths: plan', 'dataPath'],
  ],
  workerExecutor: [[worker], ['options']],
  writeTransferReport: [
    ['folder', {}],
    ['folder', 'options'],
  ],
};

type AnyFunction = (...values: unknown[]) => unknown;
const exported = new Map<string, unknown>(Object.entries(benchmark).filter(([, value]) => typeof value === 'function'));
const call = async (name: string, values: unknown[]) => (exported.get(name) as AnyFunction)(...values);

test('the table below has every function of the package', () => {
  expect(Object.keys(functions).sort()).toEqual([...exported.keys()].sort());
});

const cases = Object.entries(functions).flatMap(([name, [values, names]]) =>
  names.flatMap((argument, place) =>
    [null, 7].map((wrong) => [name, argument, wrong, values.with(place, wrong)] as const),
  ),
);

test.each(cases)('%s names the argument %s that is %s', async (name, argument, wrong, values) => {
  const error = await call(name, [...values]).then(
    () => undefined,
    (caught: Error) => caught,
  );
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toBeInstanceOf(TypeError);
  expect(error?.message.startsWith(String(argument)), error?.message).toBe(true);
  if (wrong === 7) expect(error?.message).toMatch(/expected/);
});

describe('options', () => {
  const withOptions: [name: string, good: object, before: unknown[], after: unknown[]][] = [
    ['runBenchmark', run, [], []],
    ['workerExecutor', worker, [], []],
    ['runJob', context, [], [job]],
    ['writeTransferReport', {}, ['folder'], []],
    ['checkPlaces', {}, ['out', plan], []],
  ];
  test.each(withOptions)('%s refuses one that it does not know, by its name', async (name, good, before, after) => {
    await expect(call(name, [...before, { ...good, onyl: ['kind'] }, ...after])).rejects.toThrow("got 'onyl'");
    await expect(call(name, [...before, [], ...after])).rejects.toThrow('options: expected an object, got an array');
  });
  const missing = withOptions.flatMap(([name, good, before, after]) =>
    Object.keys(good).map((option) => [name, option, [...before, { ...good, [option]: undefined }, ...after]] as const),
  );
  test.each(missing)('%s names %s that is missing', async (name, option, values) => {
    await expect(call(name, [...values])).rejects.toThrow(`options: expected ${option}, got none`);
  });
  test.each<[string, object, string]>([
    ['workers: 0', { workers: 0 }, 'workers: expected a whole number of at least 1, got 0'],
    ['half a worker', { workers: 1.5 }, 'workers: expected a whole number'],
    ['jobs that are none', { jobs: {} }, 'jobs: expected those of resolveJobs, got an object'],
    ['an engine without a name', { engine: { detail: 'x' } }, 'engine.name: expected a text'],
    ['a plan with a field too many', { plan: { ...plan, onyl: 1 } }, 'onyl'],
    ['a plan without defaults', { plan: tinyPlan('a') }, 'whose defaults are filled in'],
  ])('runBenchmark refuses %s', async (_, change, message) => {
    await expect(benchmark.runBenchmark({ ...run, ...change } as never)).rejects.toThrow(message);
  });
  test('data paths are texts', () => {
    expect(() => benchmark.withDataPaths(plan, { tiny: 7 as never })).toThrow('dataPath: expected the path of tiny');
    expect(() => benchmark.withDataPaths(plan, { tiny: '' })).toThrow('dataPath: expected the path of tiny');
  });
});

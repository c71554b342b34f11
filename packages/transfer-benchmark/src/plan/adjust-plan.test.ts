import { expect, test } from 'vitest';
import { checkMethods, withDataPaths } from './adjust-plan';
import { parsePlan } from './benchmark-plan';
import { benchmarkPlans } from './plans/index';

const plan = parsePlan(benchmarkPlans.smoke, 'smoke');
const [name] = Object.keys(plan.datasets);

test('a dataset has another place, and the plan that was given is left as it is', () => {
  const before = structuredClone(plan);
  expect(withDataPaths(plan, { [name]: '/data/other' }).datasets[name]).toEqual({
    ...plan.datasets[name],
    path: '/data/other',
  });
  expect(plan).toEqual(before);
  expect(withDataPaths(plan, {})).toEqual(plan);
});

test.each(['cats', 'constructor'])('a dataset %s that the plan lacks is refused with those it has', (other) => {
  expect(() => withDataPaths(plan, { [other]: '/x' })).toThrow(
    `dataPath: the plan has no dataset ${other}; it has ${name}`,
  );
});

test('methods that the plan has no trial of are refused', () => {
  expect(() => checkMethods(plan)).not.toThrow();
  expect(() => checkMethods(plan, [plan.sweeps[0].methods[0]])).not.toThrow();
  expect(() => checkMethods(plan, ['magic'])).toThrow(
    `only: the plan has no trial of magic; it has ${[...new Set(plan.sweeps.flatMap(({ methods }) => methods))].join(', ')}`,
  );
  expect(() => checkMethods(plan, ['kindd'])).toThrow('only: the plan has no trial of kindd; did you mean kind?');
});

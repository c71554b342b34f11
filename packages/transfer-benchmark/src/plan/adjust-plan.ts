import { ConfigError, nearestWord } from '@learngene/pipeline';
import type { BenchmarkPlan } from './benchmark-plan';
import { checkGivenPlan } from './check-given-plan';

/**
 * A plan with other places of its data.
 *
 * @param dataPath The path of each dataset whose files lie elsewhere, by the dataset's name.
 * @throws ConfigError for a dataset that the plan does not have, with those that it has
 */
export function withDataPaths(plan: BenchmarkPlan, dataPath: Readonly<Record<string, string>>): BenchmarkPlan {
  checkGivenPlan('withDataPaths', plan);
  if (typeof dataPath !== 'object' || dataPath === null) {
    throw new ConfigError(`dataPath: expected paths by the names of datasets, got ${dataPath}`, {
      argument: 'dataPath',
    });
  }
  const datasets = { ...plan.datasets };
  for (const [name, path] of Object.entries(dataPath)) {
    if (!Object.hasOwn(datasets, name)) {
      const known = Object.keys(datasets).join(', ');
      throw new ConfigError(`dataPath: the plan has no dataset ${name}; it has ${known}`, { argument: 'dataPath' });
    }
    if (typeof path !== 'string' || path === '') {
      throw new ConfigError(`dataPath: expected the path of ${name}, got ${path === '' ? 'an empty one' : path}`, {
        argument: 'dataPath',
      });
    }
    datasets[name] = { ...datasets[name], path };
  }
  return { ...plan, datasets };
}

/**
 * Refuses methods that a plan has no trial of.
 *
 * @throws ConfigError naming the method, with the one that may be meant, or all
 */
export function checkMethods(plan: BenchmarkPlan, only: readonly string[] = []): void {
  checkGivenPlan('checkMethods', plan);
  if (!Array.isArray(only)) throw new ConfigError(`only: expected names of methods, got ${only}`, { argument: 'only' });
  const known = [...new Set(plan.sweeps.flatMap(({ methods }) => methods as readonly string[]))];
  for (const method of only) {
    if (known.includes(method)) continue;
    const nearest = nearestWord(method, known);
    const hint = nearest === undefined ? `it has ${known.join(', ')}` : `did you mean ${nearest}?`;
    throw new ConfigError(`only: the plan has no trial of ${method}; ${hint}`, { argument: 'only', choices: known });
  }
}

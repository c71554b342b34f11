import { join } from 'node:path';
import { tinyPlan, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { readVae } from '@learngene/vae/node';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeTinyVae } from '../../test/tiny-vae';
import { withAutoencoders } from './autoencoders';
import { type BenchmarkPlanInput, parsePlan } from './benchmark-plan';

const folder = temporaryFolder('plan');
const vae = join(folder, 'vae');

beforeAll(async () => {
  await useTestBackend();
  await writeTinyVae(vae, 1);
});

interface Change {
  autoencoder?: object;
  task?: object;
  dataset?: object;
}

function planOf({ autoencoder = { path: vae }, task, dataset }: Change = {}): BenchmarkPlanInput {
  const plan = tinyPlan('images.safetensors');
  return {
    ...plan,
    datasets: { tiny: { ...plan.datasets.tiny, ...dataset } },
    tasks: { tiny: { ...plan.tasks.tiny, autoencoder, patchSize: 2, ...task } },
  };
}

describe('withAutoencoders', () => {
  test('fills in hash, scale and shift, which the files say, and the place', async () => {
    const plan = await withAutoencoders(parsePlan(planOf(), 'plan'));
    const { hash } = await readVae(vae);
    expect(plan.tasks.tiny.autoencoder).toEqual({ path: vae, name: 'vae', hash, scalingFactor: 2, shiftFactor: 0.1 });
    expect(await withAutoencoders(plan)).toEqual(plan);
    expect(parsePlan(plan, 'again')).toEqual(plan);
  });
  test('keeps a scale of the plan', async () => {
    const asked = parsePlan(planOf({ autoencoder: { path: vae, scalingFactor: 5, shiftFactor: -1 } }), 'plan');
    const { tasks } = await withAutoencoders(asked);
    expect(tasks.tiny.autoencoder).toMatchObject({ scalingFactor: 5, shiftFactor: -1 });
  });
  test('leaves a plan of pixels as it is', async () => {
    const plan = parsePlan(tinyPlan('images.safetensors'), 'plan');
    expect(await withAutoencoders(plan)).toEqual(plan);
  });
  test.each<[string, Change, string]>([
    ['a folder that is not there', { autoencoder: { path: join(folder, 'gone') } }, 'there is no autoencoder at'],
    ['a folder of something else', { autoencoder: { path: folder } }, 'expected the folder of an autoencoder'],
    ['another hash', { autoencoder: { path: vae, hash: 'a'.repeat(64) } }, `(hash ${'a'.repeat(12)})`],
    ['images of other channels', { dataset: { channels: 1 } }, 'those of tiny have 1 (datasets.tiny.channels)'],
    ['sides that it does not divide', { dataset: { size: 9 } }, 'those of tiny have 9 (datasets.tiny.size)'],
    ['patches that do not tile a latent', { dataset: { size: 8 }, task: { patchSize: 3 } }, 'expected a divisor of 4'],
  ])('refuses %s', async (_, change, message) => {
    const error = withAutoencoders(parsePlan(planOf(change), 'plan'));
    await expect(error).rejects.toThrow(message);
    await expect(error).rejects.toThrow(/tasks\.tiny\.(autoencoder|patchSize): /);
  });
});

describe('parsePlan refuses what would be ignored or contradicts itself', () => {
  const base = planOf();
  const { tiny } = base.tasks;
  const budgets = { fractions: [0.5], smallWidths: [] };
  const budgetSweep = (more: object, task: object = {}) => ({
    ...base,
    budgets,
    datasets: { ...base.datasets, other: base.datasets.tiny },
    tasks: { tiny: { ...tiny, ...task } },
    sweeps: [{ table: 'budget', tasks: ['tiny'], methods: ['bundle-cut'], ...more }],
  });
  const twin = (other: object) => ({ ...base, tasks: { tiny, twin: { ...tiny, ...other, tuneAs: 'tiny' } } });
  test.each<[string, unknown, string]>([
    ['an autoencoder without a place', planOf({ autoencoder: {} }), 'tasks.tiny.autoencoder: expected its path'],
    ['a hash without a place', planOf({ autoencoder: { hash: 'a'.repeat(64) } }), 'tasks.tiny.autoencoder: expected'],
    ['a hash that is none', planOf({ autoencoder: { path: vae, hash: 'abc' } }), '64 hexadecimal digits'],
    ['an unknown field of an autoencoder', planOf({ autoencoder: { path: vae, scale: 2 } }), 'scale'],
    ['an autoencoder as a text', planOf({ autoencoder: 'emoji' as unknown as object }), 'tasks.tiny.autoencoder'],
    ['an autoencoder of a dataset', planOf({ dataset: { autoencoder: { path: vae } } }), 'autoencoder'],
    ['a scale of nothing', planOf({ autoencoder: { path: vae, scalingFactor: 0 } }), 'scalingFactor'],
    ['choices of a task with another autoencoder', twin({ autoencoder: { name: 'emoji' } }), 'twin.tuneAs'],
    ['choices of a task in pixels', twin({ autoencoder: undefined }), 'twin.tuneAs'],
    ['choices of a task with other patches', twin({ patchSize: 1 }), 'twin.tuneAs'],
    ['images of a budget', budgetSweep({ imagesPerClass: [5] }), 'sweeps.0.imagesPerClass: has no part'],
    ['steps of a budget', budgetSweep({ steps: [5] }), 'sweeps.0.steps: has no part'],
    ['a budget of a distant task', budgetSweep({}, { pretrainingDataset: 'other' }), 'has a pretrainingDataset'],
  ])('%s', (_, plan, message) => {
    expect(() => parsePlan(plan, 'plan.json')).toThrow(message);
  });
  test('and takes a plan whose defaults were written', () => {
    const plan = parsePlan(budgetSweep({}), 'plan');
    expect(parsePlan(JSON.parse(JSON.stringify(plan)), 'again')).toEqual(plan);
  });
});

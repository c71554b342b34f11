import { describe, expect, test } from 'vitest';
import { type BenchmarkPlanInput, parsePlan } from './benchmark-plan';
import { benchmarkPlans } from './plans';

const { smoke } = benchmarkPlans;
const ofPixels = ({ tasks }: { tasks: readonly string[] }) => !tasks.includes('emoji-latents');
/** The smoke plan with its task in pixels alone. */
const small = { ...smoke, tasks: { emoji: smoke.tasks.emoji }, sweeps: smoke.sweeps.filter(ofPixels) };
const withTask = (task: object): BenchmarkPlanInput => ({
  ...small,
  tasks: { emoji: { ...small.tasks.emoji, ...task } },
});

describe('the plans that come with the package', () => {
  test.each(Object.keys(benchmarkPlans) as (keyof typeof benchmarkPlans)[])(
    '%s has tasks in latents of emoji',
    (name) => {
      const { tasks, datasets, sweeps } = parsePlan(benchmarkPlans[name], 'plan');
      const latents = Object.entries(tasks).filter(([, { autoencoder }]) => autoencoder !== undefined);
      expect(latents.map(([key]) => key)).toEqual(['emoji-latents']);
      const [[key, task]] = latents;
      expect([task.autoencoder, datasets[task.dataset].source]).toEqual([{ name: 'emoji' }, 'emoji']);
      expect(sweeps.some((sweep) => sweep.tasks.includes(key))).toBe(true);
      const classes = [...task.pretraining, ...task.tuning, ...task.novel];
      if (name !== 'smoke') expect(new Set(classes).size).toBeGreaterThanOrEqual(40);
    },
  );
  test('no task tunes on what it reports', () => {
    for (const input of Object.values(benchmarkPlans)) {
      const plan = parsePlan(input, 'plan');
      for (const task of Object.values(plan.tasks)) {
        const chooser = task.tuneAs === undefined ? task : plan.tasks[task.tuneAs];
        for (const name of task.novel)
          expect([...chooser.tuning, ...(task.pretrainingDataset ? [] : task.pretraining)]).not.toContain(name);
      }
    }
  });
});

describe('parsePlan', () => {
  test.each<[string, unknown, string]>([
    ['a novel class that was tuned on', withTask({ tuning: ['heart'] }), 'heart is in two sets'],
    ['a novel class of pre-training', withTask({ pretraining: ['heart'] }), 'heart is in two sets'],
    ['an unknown dataset', withTask({ dataset: 'cats' }), 'unknown dataset cats'],
    ['an unknown key', { ...small, colour: 1 }, 'colour'],
    ['a key at the top', { ...small, seds: [1] }, 'unknown key seds; did you mean seeds?'],
    [
      'a key of a task',
      withTask({ datset: 'emoji' }),
      'unknown key tasks.emoji.datset; did you mean tasks.emoji.dataset?',
    ],
    [
      'a key of an autoencoder in a task',
      withTask({ autoencoder: { pth: 'a' } }),
      'unknown key tasks.emoji.autoencoder.pth; did you mean tasks.emoji.autoencoder.path?',
    ],
    [
      'a key of a sweep',
      { ...small, sweeps: [{ ...small.sweeps[0], imagesPerClas: [3] }] },
      'unknown key sweeps.0.imagesPerClas; did you mean sweeps.0.imagesPerClass?',
    ],
    [
      'a method that is near one',
      { ...small, sweeps: [{ ...small.sweeps[0], methods: ['lorra'] }] },
      'got "lorra"; did you mean lora?',
    ],
    ['an unknown method', { ...small, sweeps: [{ ...small.sweeps[0], methods: ['magic'] }] }, 'sweeps.0.methods.0'],
    ['an unknown task', { ...small, sweeps: [{ ...small.sweeps[0], tasks: ['cats'] }] }, 'unknown task cats'],
    ['a budget among methods', { ...small, sweeps: [{ ...small.sweeps[0], methods: ['kind', 'small'] }] }, "'budget'"],
    ['a later format', { ...small, format: 3 }, 'format'],
    ['words of two formats', { ...small, grids: [] }, 'grids'],
    ['an unknown task to tune as', withTask({ tuneAs: 'cats' }), 'unknown task cats'],
  ])('refuses %s', (_, plan, message) => {
    expect(() => parsePlan(plan, 'plan.json')).toThrow(message);
    expect(() => parsePlan(plan, 'plan.json')).toThrow('plan.json: ');
  });
  test('a task may take the choices of one with the same base, if these were not made on its novel classes', () => {
    const { emoji } = small.tasks;
    const other = (novel: string[]) => ({
      ...small,
      tasks: { emoji, other: { ...emoji, novel, tuning: ['zodiac'], tuneAs: 'emoji' } },
    });
    expect(parsePlan(other(['keycap']), 'plan').tasks.other.tuneAs).toBe('emoji');
    expect(() => parsePlan(other(['time']), 'plan')).toThrow('time is novel here and was tuned on in emoji');
  });
});

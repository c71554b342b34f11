import { counted } from '@learngene/pipeline';
import type { TrialResult } from '../plan/result';

/** What trials must share to be compared: task, images a class, steps. */
export interface Condition {
  /** Name of the task in the plan. */
  task: string;
  /** Name of the dataset in the plan. */
  dataset: string;
  /** The autoencoder in whose latents the task works; absent where it works in pixels. */
  autoencoder?: TrialResult['autoencoder'];
  /** Training images of each novel class; 0 means all. */
  imagesPerClass: number;
  /** Optimiser steps of the transfer. */
  steps: number;
}

/** One condition, or several over which a table takes the mean. */
export interface Scope {
  title: string;
  conditions: readonly Condition[];
}

/** A name for a condition, the same for equal ones. */
export function conditionKey({ task, imagesPerClass, steps }: Condition): string {
  return JSON.stringify([task, imagesPerClass, steps]);
}

/** A name for what is paired: the same condition and seed. */
export function pairKey(trial: TrialResult): string {
  return `${conditionKey(trial)} ${trial.seed}`;
}

const imagesText = (count: number) => (count === 0 ? 'all images' : `${counted(count, 'image')} a class`);

/** The images and steps of a condition in words. */
export function settingTitle({ imagesPerClass, steps }: Condition): string {
  return `${imagesText(imagesPerClass)}, ${counted(steps, 'step')}`;
}

/** The dataset of a condition, and what models of it work in. */
export function dataTitle({ dataset, autoencoder }: Pick<Condition, 'dataset' | 'autoencoder'>): string {
  return autoencoder === undefined ? dataset : `${dataset}, latents of ${autoencoder.name}`;
}

/** A condition in words. */
export function conditionTitle(condition: Condition): string {
  if (condition.steps === 0) return `${condition.task} (${dataTitle(condition)})`;
  return `${condition.task} (${dataTitle(condition)}, ${settingTitle(condition)})`;
}

/** The different conditions of trials, in a steady order. */
export function conditionsOf(trials: readonly TrialResult[]): Condition[] {
  const found = new Map<string, Condition>();
  for (const { task, dataset, autoencoder, imagesPerClass, steps } of trials) {
    const condition = { task, dataset, ...(autoencoder && { autoencoder }), imagesPerClass, steps };
    found.set(conditionKey(condition), condition);
  }
  return [...found.values()].sort(
    (a, b) =>
      a.dataset.localeCompare(b.dataset) ||
      a.imagesPerClass - b.imagesPerClass ||
      a.steps - b.steps ||
      a.task.localeCompare(b.task),
  );
}

/** Conditions that most methods were run under; the others are sweeps of a few methods, and no mean is taken over them. */
function wide(trials: readonly TrialResult[], conditions: readonly Condition[]): Condition[] {
  const methods = (members: readonly TrialResult[]) => new Set(members.map(({ method }) => method)).size;
  const all = methods(trials);
  return conditions.filter((condition) => {
    const key = conditionKey(condition);
    return methods(trials.filter((trial) => conditionKey(trial) === key)) >= 0.75 * all;
  });
}

/** `mean over 3 tasks`; conditions where a task is in several. */
function meanTitle(conditions: readonly Condition[]): string {
  const tasks = new Set(conditions.map(({ task }) => task)).size;
  return `mean over ${conditions.length} ${tasks === conditions.length ? 'tasks' : 'conditions'}`;
}

/** What tables are made for: the mean over all tasks, over those of every setting with several, and every condition. */
export function scopesOf(trials: readonly TrialResult[]): Scope[] {
  const conditions = conditionsOf(trials);
  const pooled = wide(trials, conditions);
  const settings = new Map<string, Condition[]>();
  for (const condition of pooled) {
    const name = `${dataTitle(condition)}, ${settingTitle(condition)}`;
    settings.set(name, [...(settings.get(name) ?? []), condition]);
  }
  const several = [...settings].filter(([, members]) => members.length > 1);
  return [
    ...(settings.size > 1 ? [{ title: meanTitle(pooled), conditions: pooled }] : []),
    ...several.map(([name, members]) => ({ title: `${meanTitle(members)} (${name})`, conditions: members })),
    ...[...pooled, ...conditions.filter((condition) => !pooled.includes(condition))].map((condition) => ({
      title: conditionTitle(condition),
      conditions: [condition],
    })),
  ];
}

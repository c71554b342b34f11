import { type ConfigInput, mergeConfig, type Progress, parseAssignment, parseConfig } from '@learngene/pipeline';
import { chooseClasses, openData, pretrainingClasses } from '../data/open-data';
import { type DemoPlan, planFor, planOn, withSteps } from './plan';

/** Data of a demo in place of its emoji. */
export interface DemoDataChoice {
  /** Where the images are. */
  data: ConfigInput['data'];
  /** Classes to pre-train on (default: all that are not novel). */
  classes?: string[];
  /** Classes to keep out and to transfer to. */
  novel: string[];
}

/** The plan on other data, whose classes and sizes are read; see {@link planFor}. */
export async function planForData(
  plan: DemoPlan,
  { data, classes, novel }: DemoDataChoice,
  progress: Progress,
): Promise<DemoPlan> {
  const config = parseConfig({ data: { ...data, classes, novel } }, 'options');
  const { dataset, recipe } = await openData(config.data, progress, { size: plan.config.data?.size });
  const pretraining = pretrainingClasses(dataset, config.data);
  return planFor(plan, recipe, { size: dataset.height, pretraining, novel: chooseClasses(dataset, novel).classes });
}

/** Sections of a plan's configuration that settings may change; its data have choices of their own. */
export const DEMO_SECTIONS = ['model', 'diffusion', 'training', 'sampling'] as const;

/** What is changed of a plan. */
export interface PlanChanges {
  /** Pre-training steps (default: those of the plan). */
  steps?: number;
  /** Settings, as `key=value`; they win over the steps. */
  set: readonly string[];
}

/**
 * The plan for an engine, see {@link planOn}, with what was asked for.
 *
 * @throws ConfigError for an unknown key or a value that it does not take
 */
export function adjustPlan(plan: DemoPlan, engine: string | undefined, { steps, set }: PlanChanges): DemoPlan {
  const own = withSteps(engine === undefined ? plan : planOn(plan, engine), steps);
  let config = own.config as Record<string, unknown>;
  for (const assignment of set) config = mergeConfig(config, parseAssignment(assignment));
  parseConfig(config, 'options');
  return { ...own, config };
}

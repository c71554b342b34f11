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
  const asked = set.map(parseAssignment).reduce(mergeConfig, {});
  const config = mergeConfig(withoutOtherProcess(own.config, asked as ConfigInput), asked);
  parseConfig(config, 'options');
  return { ...own, config };
}

/** A plan of Gaussian diffusion without the objective and the sampler of its own, where a flow is asked for: the flow has others. */
function withoutOtherProcess(config: ConfigInput, asked: ConfigInput): Record<string, unknown> {
  const { diffusion, sampling: { sampler: _, ...sampling } = {}, ...rest } = config;
  const own = config as Record<string, unknown>;
  return asked.diffusion?.process === 'flow' && diffusion?.process !== 'flow' ? { ...rest, sampling } : own;
}

import { type AssemblyBudget, assembleFactoredAsync, type KindConfig, type KindModel } from '@learngene/kind';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { ConfigError } from '../errors';
import { classLabels } from '../recipe/class-labels';
import { classNamesOf } from '../recipe/class-names';
import type { DiffusionModel } from '../sample/guided-denoiser';
import type { ModelSource } from './model-source';

/** Which part of a model of learngenes and tailors is used. */
export interface ComposeOptions {
  /** Names of classes; only the tailors of their groups are read (default all). */
  readonly classes?: readonly string[];
  /** What the model may cost; learngenes and tailors are cut to it (default: nothing is cut). */
  readonly budget?: AssemblyBudget;
}

/** A model whose weights are loaded, and the name of every class. */
export interface ComposedModel {
  /** The caller disposes its parameters. */
  readonly model: DiffusionModel;
  readonly classNames: readonly string[];
}

/**
 * Loads a model. Of a KIND model it takes the groups of the named classes, cut to a budget.
 *
 * @throws ConfigError for an unknown class, with the nearest known one, and for a dense DiT, which has nothing to compose
 */
export async function composeModel(source: ModelSource, { classes, budget }: ComposeOptions): Promise<ComposedModel> {
  const { kind } = source;
  if (kind === undefined) {
    refuseDense({ classes, budget });
    return { model: await source.load(), classNames: source.classNames };
  }
  const groups = classes === undefined ? source.groups : groupsOf(kind, source, classes);
  const loaded = (await source.load(groups)) as KindModel;
  if (groups === undefined && budget === undefined) return { model: loaded, classNames: source.classNames };
  try {
    const model = await assembleFactoredAsync(loaded, { ...(groups && { groups }), ...(budget && { budget }) });
    return { model, classNames: classNamesOf(model.config) };
  } finally {
    disposeParams(loaded.params as unknown as ParamTree);
  }
}

function refuseDense(options: ComposeOptions): void {
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue;
    throw new ConfigError(
      `${option}: expected a model of learngenes and tailors, got a dense DiT, which cannot be taken apart`,
    );
  }
}

/** All groups of classes, each once, in the order of the classes. */
function groupsOf(kind: KindConfig, { classNames, groups }: ModelSource, classes: readonly string[]): string[] {
  const labels = classLabels(classNames, classes, { owner: 'the model', argument: 'classes' });
  const names = labels.map((label) =>
    kind.groups.filter((group) => group.classes.includes(label)).map(({ name }) => name),
  );
  for (const [i, own] of names.entries()) {
    if (own.length > 0 && own.every((name) => groups === undefined || groups.includes(name))) continue;
    throw new ConfigError(`classes: the tailors of ${JSON.stringify(classes[i])} are not in the model that was given`);
  }
  return [...new Set(names.flat())];
}

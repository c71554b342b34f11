import { type ParamTree, unflattenParams } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { encodeTailors } from '../src/bundle/decompose';
import { tailorShapes } from '../src/bundle/shapes';
import { withClasses } from '../src/config-types';
import type { KindModel } from '../src/params';
import type { TailorGroup } from '../src/tailor-groups';

/** A model of novel groups on the learngenes and the shared part of another, as a transfer to a near domain makes it. */
export function onBase(model: KindModel, groups: readonly TailorGroup[], { tailorRank = 2, seed = 9 } = {}): KindModel {
  const g = createGenerator(seed);
  const classes = groups.flatMap((group) => group.classes).length;
  const config = { ...withClasses(model.config, classes), groups, tailorRank };
  const tailors = groups.map((group): [string, ParamTree] => {
    const shapes = tailorShapes(config, group, new Map());
    const leaves = [...shapes].map(([name, shape]): [string, tf.Tensor] => [
      name,
      tf.tensor(normal(g, tf.util.sizeFromShape([...shape]), { std: 0.4 }), [...shape]),
    ]);
    return [group.name, unflattenParams(new Map(leaves))];
  });
  return { config, params: { ...model.params, tailors: Object.fromEntries(tailors) } as KindModel['params'] };
}

/** The files of a model's tailors, by group. */
export async function mailed(model: KindModel, base: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const { name } of model.config.groups) files.set(name, await encodeTailors(model, name, base));
  return files;
}

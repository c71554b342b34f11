import { ditConfig } from '@learngene/dit';
import { flattenParams, type ParamTree, unflattenParams } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { learngeneShapes, sharedShapes, tailorShapes } from '../src/bundle/shapes';
import { type KindConfigInput, kindConfig } from '../src/config';
import type { KindConfig } from '../src/config-types';
import type { KindModel, KindParams } from '../src/params';

/** A config small enough for tests: two blocks of width 8, five classes in three groups with awkward names. */
export function tinyConfig(overrides: Partial<KindConfigInput> = {}): KindConfig {
  const dit = ditConfig({
    inputSize: 4,
    patchSize: 2,
    inChannels: 1,
    hiddenSize: 8,
    depth: 2,
    heads: 2,
    mlpRatio: 2,
    classes: 5,
    learnSigma: false,
  });
  const groups = [
    { name: 'Katze & Hund', classes: [3, 0], classNames: ['cat', 'dog'] },
    { name: '7', classes: [1] },
    { name: 'a.b/../c', classes: [4, 2] },
  ];
  return kindConfig({ dit, learngeneRank: 3, tailorRank: 2, groups, ...overrides });
}

/** A model whose every parameter is random, so that no part of it is silently without effect. */
export function randomModel(config: KindConfig, seed = 1): KindModel {
  const g = createGenerator(seed);
  const fill = (shapes: ReadonlyMap<string, readonly number[]>): ParamTree =>
    unflattenParams(
      new Map(
        [...shapes].map(([name, shape]) => {
          const values = normal(g, tf.util.sizeFromShape([...shape]), { std: 0.4 });
          return [name, tf.tensor(values, [...shape], 'float32')];
        }),
      ),
    );
  const none = new Map();
  const { gate, ...shared } = fill(sharedShapes(config));
  const tailors = config.groups.map((group) => [group.name, fill(tailorShapes(config, group, none))]);
  const params = {
    shared,
    learngenes: fill(learngeneShapes(config, none)),
    tailors: Object.fromEntries(tailors),
    ...(gate && { gate }),
  };
  return { config, params: params as unknown as KindParams };
}

/** Leaves of every piece as plain arrays, by a name that says the piece. */
export function bits({ params }: KindModel): Map<string, number[]> {
  const pieces: [string, ParamTree | undefined][] = [
    ['shared', params.shared],
    ['learngenes', params.learngenes],
    ['gate', params.gate],
    ...Object.entries(params.tailors).map(([name, piece]): [string, ParamTree] => [`tailors ${name}`, piece]),
  ];
  return new Map(
    pieces.flatMap(([piece, tree]) =>
      [...flattenParams(tree ?? {})].map(
        ([name, leaf]) => [`${piece}: ${name}`, [...leaf.shape, ...leaf.dataSync()]] as const,
      ),
    ),
  );
}

import { disposeParams } from '@learngene/nn';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll } from 'vitest';
import { applyKind } from '../src/apply';
import { type AddTailorsOptions, addTailors } from '../src/bundle/add-tailors';
import { applyBundleChange, type BundleChange } from '../src/bundle/bundle-change';
import { baseHash, decomposeKind } from '../src/bundle/decompose';
import { openBundle, openBundleManifest } from '../src/bundle/open';
import type { KindModel } from '../src/params';
import type { TailorGroup } from '../src/tailor-groups';
import { mailed, onBase } from './grown';
import { memory } from './memory-bundle';
import { randomModel, tinyConfig } from './random-model';
import { inputsFor } from './tiny';

export type Files = Map<string, Uint8Array>;

export const META = { config: '{"steps":3}', images: '{"process":"flow"}' };
export const OWL: TailorGroup = { name: 'owl', classes: [0], classNames: ['owl'] };
export const BIRDS: TailorGroup = { name: 'birds', classes: [0, 1], classNames: ['tit', 'wren'] };

/** A model, its bundle and the hash of its base, made before the tests of a file. */
export function bundleOfModel() {
  const made = {} as { model: KindModel; files: Files; base: string };
  beforeAll(async () => {
    await useTestBackend();
    made.model = randomModel(tinyConfig());
    made.files = await decomposeKind(made.model, META);
    made.base = await baseHash(made.model, META);
  });
  return made;
}

export const from = (bundle: ReadonlyMap<string, Uint8Array>) => memory(bundle).fetchPiece;
export const changed = async (bundle: Files, change: Promise<BundleChange>) => applyBundleChange(bundle, await change);
export const groupsIn = async (bundle: Files) => (await openBundleManifest(from(bundle))).config.groups;

/** A bundle with groups of random tailors for the base of a model. */
export async function add(
  { model, base }: { model: KindModel; base: string },
  bundle: Files,
  groups: TailorGroup[],
  options: AddTailorsOptions = {},
): Promise<Files> {
  return changed(bundle, addTailors(from(bundle), await mailed(onBase(model, groups), base), options));
}

/** What the network says of each class of a bundle, by the name of its group and its row. */
export async function outputs(bundle: Files): Promise<Map<string, number[]>> {
  const { config, params } = await openBundle(from(bundle));
  const inputs = inputsFor([0], { dit: config.dit });
  const found = new Map<string, number[]>();
  for (const { name, classes } of config.groups) {
    for (const [row, id] of classes.entries()) {
      const y = tf.tidy(() => applyKind(params, { ...inputs, labels: Int32Array.of(id) }, { config }));
      found.set(`${name} ${row}`, [...y.dataSync()]);
      y.dispose();
    }
  }
  const none = tf.tidy(() => applyKind(params, { ...inputs, labels: Int32Array.of(config.dit.classes) }, { config }));
  found.set('none', [...none.dataSync()]);
  tf.dispose([inputs.x, inputs.t, none]);
  disposeParams(params);
  return found;
}

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ditConfig } from '@learngene/dit';
import {
  disposeKindTraining,
  inFixedOrder,
  initKind,
  initKindTraining,
  type KindTrainState,
  kindConfig,
  paramsFromTree,
  stateFromTrees,
  stateToTrees,
} from '@learngene/kind';
import { flattenParams, type ParamTree } from '@learngene/nn';
import { loadCheckpoint } from '@learngene/pipeline/node';
import { createGenerator } from '@learngene/random';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { saveCheckpoint } from './save-checkpoint';

const run = temporaryFolder('state');
beforeAll(async () => {
  await useTestBackend();
  mkdirSync(join(run, 'checkpoints'));
});

const names = ['a.b', 'x/y', '..', '日本 🎌', 'g0', 'constructor', '10', '2', 'g1', '%670', 'a%2Eb', 'a"\n\u0000'];
const dit = ditConfig({
  inputSize: 4,
  patchSize: 2,
  inChannels: 1,
  hiddenSize: 8,
  depth: 2,
  heads: 2,
  classes: names.length,
});
const groups = names.map((name, id) => ({ name, classes: [id] }));
const config = kindConfig({ dit, learngeneRank: 2, tailorRank: 1, groups });
const start = () => inFixedOrder(initKindTraining(initKind(createGenerator(1), config), { trainable: 'all' }));

const bits = (state: KindTrainState) =>
  [state.params, state.ema].map((tree) =>
    [...flattenParams(tree as unknown as ParamTree)].map(([name, tensor]) => [
      name,
      tensor.shape,
      Array.from(tensor.dataSync()),
    ]),
  );

test('a state comes back from its files with the same names, order and bits', async () => {
  await expectNoLeak(async () => {
    const state = start();
    const { trees, steps } = stateToTrees(state, config);
    await saveCheckpoint(run, 4, { trees, state: { steps } });
    const read = await loadCheckpoint(run, 4);
    const again = stateFromTrees({ trees: read.trees, steps: read.state.steps as typeof steps, step: 4 }, config);
    expect(again.step).toBe(4);
    expect(bits({ ...again, ema: again.params })[0]).toEqual(bits(state)[0]);
    expect(new Map(Object.entries(again.params.tailors)).size).toBe(names.length);
    expect(Object.keys(again.optimizer).sort()).toEqual(
      Object.keys(state.optimizer)
        .filter((name) => state.optimizer[name as 'gate'] !== undefined)
        .sort(),
    );
    disposeKindTraining(state);
    disposeKindTraining(again);
  });
});

test('a state of format 1, which calls groups by their place, is the same state', async () => {
  await expectNoLeak(() => {
    const state = start();
    const { trees, steps } = stateToTrees(state, config);
    const old = Object.fromEntries(
      Object.entries(trees).map(([tree, { tailors, ...rest }]) => {
        const byPlace = Object.values(config.groups).map(({ name }, place) => [
          `g${place}`,
          (tree === 'optimizer'
            ? undefined
            : (state[tree as 'ema'].tailors[name] as unknown as ParamTree)) as ParamTree,
        ]);
        return [tree, { ...rest, tailors: Object.fromEntries(byPlace) } as ParamTree];
      }),
    );
    const again = stateFromTrees({ trees: old, steps, step: 0 }, config);
    expect(bits(again)).toEqual(bits(state));
    disposeKindTraining(state);
  });
});

test('the order of the names does not depend on where a state came from', () => {
  const state = start();
  const { shared, learngenes, tailors } = state.params;
  const turned = { ...state, params: { tailors, learngenes, shared } } as KindTrainState;
  expect(bits(inFixedOrder(turned))[0]).toEqual(bits(state)[0]);
  disposeKindTraining(state);
});

test('trees that do not fit the model, or are missing, are refused', () => {
  const state = start();
  const { trees, steps } = stateToTrees(state, config);
  const other = kindConfig({ ...config, dit: { ...dit, depth: 3 } });
  expect(() => paramsFromTree(trees.params, other)).toThrow(
    /expected \d+ parameters as the model of config.json has, got \d+/,
  );
  const { ema: _, ...rest } = trees;
  expect(() => stateFromTrees({ trees: rest, steps, step: 1 }, config)).toThrow('expected ema.safetensors, got none');
  disposeKindTraining(state);
});

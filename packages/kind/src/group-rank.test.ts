import { ditConfig, initDit } from '@learngene/dit';
import { countParams, disposeParams, type ParamTree } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { memory } from '../test/memory-bundle';
import { bits, randomModel, tinyConfig } from '../test/random-model';
import { inputsFor } from '../test/tiny';
import { applyKind } from './apply';
import { assembleFactored, assembleFactoredAsync } from './assemble';
import { decomposeKind } from './bundle/decompose';
import { openBundle } from './bundle/open';
import { kindConfig } from './config';
import { countKind } from './count';
import { countAssembled } from './count-assembled';
import { kindFromDense } from './from-dense';
import { initKind } from './init';
import type { KindParams } from './params';
import { transferKind } from './transfer';

beforeAll(useTestBackend);

const GROUPS = [
  { name: 'low', classes: [0, 3], tailorRank: 1 },
  { name: 'usual', classes: [1] },
  { name: 'high', classes: [2, 4], tailorRank: 4 },
];
const PLAIN = GROUPS.map(({ name, classes }) => ({ name, classes }));
const ranked = (overrides = {}) => tinyConfig({ groups: GROUPS, ...overrides });
const ranksOf = ({ tailors }: KindParams) => GROUPS.map(({ name }) => tailors[name].blocks[1].mlp.in!.s.size);

describe('a group with a rank of its own', () => {
  test.each(['binary', 'soft'] as const)('is counted as it is made, with a %s gate', (gate) => {
    const config = ranked({ gate });
    const model = { config, params: initKind(createGenerator(1), config) };
    expect(ranksOf(model.params)).toEqual([1, 2, 4]);
    const { params, macs, bytes } = countKind(config);
    expect(params.total).toBe(countParams(model.params as unknown as ParamTree));
    expect(countAssembled(model)).toEqual({ parameters: params.total, macs: macs.total, bytes: bytes.total });
    for (const { name } of GROUPS) expect(bytes.tailors[name]).toBe(4 * countParams(model.params.tailors[name]));
    disposeParams(model.params);
  });

  test('starts from the first components of the others, which start as without it', () => {
    const high = initKind(createGenerator(1), ranked());
    const plain = initKind(createGenerator(1), tinyConfig({ groups: PLAIN, tailorRank: 4 }));
    const v = (params: KindParams, name: string) => [...params.tailors[name].blocks[0].attn.q!.v.dataSync()];
    expect(v(high, 'high')).toEqual(v(plain, 'high'));
    expect(high.tailors.low.blocks[0].attn.q!.v.shape).toEqual([8, 1]);
    expect(v(high, 'low')).toEqual(v(plain, 'low').filter((_, i) => i % 4 === 0));
    const dense = initDit(createGenerator(2), ranked().dit);
    expect(ranksOf(kindFromDense(dense, ranked(), { generator: createGenerator(3) }))).toEqual([1, 2, 4]);
  });

  test.each([
    ['low', 3],
    ['high', 2],
  ])('%s: class %i is the same alone as beside groups of other ranks', async (group, id) => {
    const model = randomModel(ranked());
    const { x, t } = inputsFor([0], { dit: model.config.dit });
    const y = applyKind(model.params, { x, t, labels: Int32Array.of(id) }, { config: model.config });
    const alone = assembleFactored(model, { groups: [group] });
    const label = GROUPS.find(({ name }) => name === group)!.classes.indexOf(id);
    const z = applyKind(alone.params, { x, t, labels: Int32Array.of(label) }, { config: alone.config });
    expect([...z.dataSync()]).toEqual([...y.dataSync()]);
    const limit = Math.round(0.8 * countAssembled(model).parameters);
    const cut = await assembleFactoredAsync(model, { budget: { parameters: limit } });
    expect(countAssembled(cut).parameters).toBeLessThan(limit + 1);
  });

  test('goes through a bundle, and through a transfer beside kept groups', async () => {
    const model = randomModel(ranked());
    const opened = await openBundle(memory(await decomposeKind(model)).fetchPiece);
    expect(opened.config).toEqual(model.config);
    expect(Object.fromEntries(bits(opened))).toEqual(Object.fromEntries(bits(model)));
    const groups = [{ name: 'new', classes: [0], tailorRank: 3 }];
    const more = { generator: createGenerator(1), domain: 'near', keepGroups: true, tailorRank: 4 } as const;
    const next = transferKind(model, { groups, ...more });
    expect(next.config.groups.map((group) => group.tailorRank)).toEqual([3, 1, 2, 4]);
    expect(next.params.tailors.new.blocks[0].attn.q!.s.size).toBe(3);
    const { x, t } = inputsFor([0], { dit: model.config.dit });
    const [old, kept] = [model, next].map(({ config, params }, n) =>
      applyKind(params, { x, t, labels: Int32Array.of(1 + n) }, { config }),
    );
    expect([...kept.dataSync()]).toEqual([...old.dataSync()]);
  });

  test.each<[unknown, string]>([
    [0, 'groups[0].tailorRank: expected a positive integer, got 0'],
    [1.5, 'groups[0].tailorRank: expected a positive integer, got 1.5'],
    ['2', 'groups[0].tailorRank: expected a positive integer, got 2'],
    [9, 'groups[0].tailorRank: expected a rank of at most 8, the narrowest width of a layer, got 9'],
  ])('is refused with rank %j', (tailorRank, message) => {
    const groups = [{ name: 'x', classes: [0], tailorRank: tailorRank as number }];
    const config = { dit: ditConfig(tinyConfig().dit), learngeneRank: 2, tailorRank: 2, groups };
    expect(() => kindConfig(config)).toThrow(message);
  });
});

import { useTestBackend } from '@learngene/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { MIXER, mixer, mixerConfig, mixerInputs, noisyMixer } from '../test/tiny-network';
import { applyGated } from './apply-gated';
import { kindConfig } from './config';
import type { KindNetwork } from './network';

beforeAll(useTestBackend);

describe('a description', () => {
  const layer = MIXER.layers[0];
  test.each<[unknown, string]>([
    [null, 'network: expected an object'],
    [{ ...MIXER, heads: 2 }, "got 'heads'"],
    [{ ...MIXER, name: '' }, 'network.name: expected 1 to 200 characters'],
    [{ ...MIXER, classes: 0 }, 'network.classes: expected whole numbers from 1 to 65536, got 0'],
    [{ ...MIXER, layers: [] }, 'network.layers: expected 1 to 65536 layers, got 0 entries'],
    [
      { ...MIXER, layers: [{ ...layer, rank: 2 }] },
      "network.layers[0]: expected name, in, out, tokens or fanOut, got 'rank'",
    ],
    [{ ...MIXER, layers: [{ ...layer, in: 1.5 }] }, 'network.layers[0].in: expected whole numbers'],
    [{ ...MIXER, layers: [{ ...layer, tokens: undefined }] }, 'network.layers[0].tokens: expected whole numbers'],
    [{ ...MIXER, layers: [{ ...layer, fanOut: 0 }] }, 'network.layers[0].fanOut: expected whole numbers'],
    [{ ...MIXER, layers: [layer, layer] }, "network.layers: expected each name once, got 'mix.in' twice"],
    [{ ...MIXER, layers: [layer, { ...layer, name: 'mix' }] }, "names that are apart, got 'mix' and 'mix.in'"],
    [{ ...MIXER, layers: [{ ...layer, name: 'a..b' }] }, 'network.layers[0].name: expected dotted names'],
    [{ ...MIXER, layers: [{ ...layer, name: 'a.__proto__' }] }, 'network.layers[0].name: expected dotted names'],
    [{ ...MIXER, shared: [] }, 'network.shared: expected shapes by name'],
    [{ ...MIXER, shared: { w: [0] } }, 'network.shared.w: expected whole numbers'],
    [{ ...MIXER, shared: { w: 3 } }, 'network.shared.w: expected at most 8 sizes'],
    [{ ...MIXER, shared: { 'gate.weight': [2] } }, "'gate.weight' is not allowed"],
    [{ ...MIXER, rows: { 'mix.rows': [2] } }, "network.rows: expected names that do not begin as a layer's"],
    [{ ...MIXER, denseMacs: -1 }, 'network.denseMacs: expected a whole number of at least 0'],
    [{ ...MIXER, embedding: { rows: 'head.bias', null: 'embed.none' } }, 'network.embedding.rows: expected a table'],
    [
      { ...MIXER, embedding: { rows: 'head.weight', null: 'embed.weight' } },
      'network.embedding.null: expected a tensor [1, 6]',
    ],
  ])('%# is refused by name', (network, message) => {
    expect(() => kindConfig({ network: network as KindNetwork, learngeneRank: 1, tailorRank: 1 })).toThrow(message);
  });

  test('with class embeddings may have a soft gate', () => {
    const network = { ...MIXER, embedding: { rows: 'head.weight', null: 'embed.none' } };
    const config = mixerConfig({ network, gate: 'soft' });
    const params = noisyMixer(config);
    const x = mixerInputs(2);
    const features = (labels: number[]) =>
      applyGated(params, Int32Array.from(labels), { config }, ({ shared, linear, plan }) => {
        expect([...plan.classes]).toEqual(labels);
        return mixer(shared, x, linear);
      });
    expect([...features([0, 5]).dataSync()]).not.toEqual([...features([5, 5]).dataSync()]);
  });
});

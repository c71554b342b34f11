import { ditConfig } from '@learngene/dit';
import { describe, expect, test } from 'vitest';
import { kindConfig } from './config';
import {
  componentParams,
  countKind,
  countKindBytes,
  countKindMacs,
  countKindParams,
  countTransferParams,
} from './count';

/** DiT-L/2 on latents of 256-pixel images with the 150 classes of pre-training, ranks as the published figures allow. */
const published = kindConfig({
  dit: ditConfig('DiT-L/2', { classes: 150 }),
  learngeneRank: 268,
  tailorRank: 102,
});

describe('the published setting, DiT-L/2', () => {
  test('pays 442,512 parameters for one rank over the six weights of 24 blocks', () => {
    expect(componentParams(published)).toBe(24 * (4 * (1024 + 1024 + 1) + 2 * (1024 + 4096 + 1)));
    expect(componentParams(published)).toBe(442_512);
  });

  test('starts from 80.70 dense GMACs', () => {
    expect((countKindMacs(published).dense.total / 1e9).toFixed(2)).toBe('80.70');
  });

  test('saves at least 35.4 GMACs with 370 components in all, and with no more', () => {
    const { saved, total } = countKindMacs(published);
    expect(saved / 1e9).toBeGreaterThanOrEqual(35.4);
    expect((saved / 1e9).toFixed(2)).toBe('35.41');
    expect((total / 1e9).toFixed(2)).toBe('45.29');
    expect(countKindMacs(published, 371).saved / 1e9).toBeLessThan(35.4);
  });

  test('trains 45.4M parameters in a transfer with 102 components', () => {
    const trained = (classes: number, trainBiases: boolean, tailorRank = 102) =>
      (countTransferParams({ ...published, tailorRank }, { groups: 1, classes, trainBiases }) / 1e6).toFixed(1);
    // With the biases of the main layers: for up to 90 novel classes.
    expect([1, 90, 91].map((classes) => trained(classes, true))).toEqual(['45.4', '45.4', '45.5']);
    // With tailors and label rows alone: for 209 to 306 novel classes.
    expect([1, 208, 209, 306, 307].map((classes) => trained(classes, false))).toEqual([
      '45.1',
      '45.3',
      '45.4',
      '45.4',
      '45.5',
    ]);
    expect([101, 103].map((tailorRank) => trained(1, true, tailorRank))).toEqual(['44.9', '45.8']);
  });

  test('adds the null row where it is trained', () => {
    const options = { groups: 1, classes: 1 };
    expect(countTransferParams(published, { ...options, trainNull: true })).toBe(
      countTransferParams(published, options) + 1024,
    );
  });
});

describe('counts', () => {
  const dit = ditConfig({ inputSize: 8, patchSize: 2, inChannels: 3, hiddenSize: 16, depth: 2, heads: 2, classes: 3 });
  const config = kindConfig({ dit, learngeneRank: 4, tailorRank: 2, groups: [{ name: 'a', classes: [0, 2] }] });

  test('add up', () => {
    const { params, macs, bytes } = countKind(config);
    expect(params.total).toBe(params.shared + params.learngenes + params.tailors + params.gate);
    expect(params.tailors).toBe(params.tailorGroup + 2 * params.labelRow);
    expect(macs.saved).toBe(macs.dense.total - macs.total);
    expect(bytes.total).toBe(4 * params.total);
    expect(bytes.total).toBe(bytes.learngenes + bytes.shared + bytes.tailors.a);
    expect(bytes.oneGroup).toBe(bytes.total);
    expect(bytes.dense).toBe(4 * params.dense);
  });

  test('equal the dense model when the factored form is as wide, but for s and the label rows', () => {
    const { params } = countKind(kindConfig({ dit, learngeneRank: 1, tailorRank: 1, groups: [] }));
    const linear = 2 * 12 * 16 * 16;
    expect(params.total).toBe(params.dense - linear - 3 * 16 + componentParams(config));
  });

  test('know that a soft gate computes every group', () => {
    const groups = [0, 1, 2].map((id) => ({ name: `g${id}`, classes: [id] }));
    const soft = kindConfig({ dit, learngeneRank: 4, tailorRank: 2, groups, gate: 'soft' });
    const binary = kindConfig({ ...soft, gate: 'binary' });
    expect(countKindMacs(soft).linear / countKindMacs(binary).linear).toBe((4 + 6) / (4 + 2));
    expect(countKindParams(soft).gate).toBe(3 * 17);
    expect(countKindBytes(soft).shared - countKindBytes(binary).shared).toBe(4 * 3 * 17);
    expect(countKindMacs(kindConfig({ ...binary, groups: [] })).linear).toBe(countKindMacs(binary, 4).linear);
  });
});

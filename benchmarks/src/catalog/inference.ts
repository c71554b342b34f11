import { countDitMacs } from '@learngene/dit';
import { countKindMacs, kindConfig } from '@learngene/kind';
import { configOf } from '../tasks/config';
import { ditS, factoredS } from './models';
import type { Row } from './row';

const guided = { ...ditS(), guidance: 4 };

/** Steps of the shorter form of `--quick`. */
const QUICK_STEPS = 5;

function sampling(steps: number): Row {
  return {
    name: `sampling, DiT-S/2, ${steps} DDIM steps with guidance, batch 16`,
    section: 'Sampling and inference',
    task: 'sample',
    spec: { ...guided, steps },
    peers: [
      { label: 'torch eager f32, inference mode', task: 'sample', goal: 1.35 },
      ...(steps === QUICK_STEPS
        ? []
        : [{ label: 'torch.compile f32, inference mode', task: 'sample', spec: { compiled: true }, compiled: true }]),
    ],
    quick: steps === QUICK_STEPS ? 'only' : false,
    tolerance: { relative: 2e-3 },
    note: 'doubled batch, 64 tokens',
  };
}

/** Multiply-accumulates of a factored model over those of the dense one, adaLN and attention included. */
function macRatio(rank: number): number {
  const dit = configOf(ditS());
  return (
    countKindMacs(kindConfig({ dit, learngeneRank: rank, tailorRank: 1, groups: [] }), rank).total /
    countDitMacs(dit).total
  );
}

/** 0.92 of what the multiply-accumulates say. */
function factoredGoal(ratioOfMacs: number): number {
  return 0.92 / ratioOfMacs;
}

function factored(rank: number, quick: boolean): Row {
  const macs = macRatio(rank);
  return {
    name: `inference, DiT-S/2 factored at rank ${rank} of 384, batch 16`,
    section: 'Sampling and inference',
    task: 'forward',
    spec: factoredS(rank),
    peers: [],
    own: { label: 'own dense model', task: 'forward', spec: factoredS(0), goal: factoredGoal(macs) },
    quick,
    note: `${(100 * macs).toFixed(0)}% of the dense model's multiply-accumulates`,
  };
}

/** Sampling, and what factoring saves. */
export const inference: Row[] = [sampling(50), sampling(QUICK_STEPS), factored(192, true), factored(96, false)];

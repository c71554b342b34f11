import { ditS, kindS } from './models';
import type { Row } from './row';

const torch = [{ label: 'torch eager f32', task: 'dense-step' }];

function curve(name: string, x: number, spec: object): Row {
  return { name: `${name} ${x}`, section: 'Growth', task: 'dense-step', spec, peers: torch, x };
}

/** How the cost of a training step grows; two blocks deep. */
export const growth: Row[] = [
  ...[64, 256, 1024].map((tokens) =>
    curve('tokens', tokens, ditS({ batch: 4, depth: 2, inputSize: 2 * Math.sqrt(tokens) })),
  ),
  ...[128, 256, 512, 1024].map((width) => curve('width', width, ditS({ batch: 8, depth: 2, width }))),
  ...[1, 10, 100, 1000].map(
    (groups): Row => ({
      name: `groups ${groups}`,
      section: 'Growth',
      task: 'kind-step',
      spec: kindS({ batch: 16, depth: 2, groups, active: 1, tailorRank: 8 }),
      peers: [
        { label: 'torch eager f32, loop over segments', task: 'kind-step', spec: { implementation: 'segments' } },
        ...(groups <= 100
          ? [{ label: 'torch eager f32, all tailors masked', task: 'kind-step', spec: { implementation: 'masked' } }]
          : []),
      ],
      x: groups,
      note: 'one group in the batch',
    }),
  ),
  ...[1, 2].map((threads): Row => ({ ...curve('threads', threads, ditS({ batch: 16, depth: 4 })), threads })),
];

/** One small step on every engine. */
export const engines: Row[] = ['native', 'tfjs-node', 'webgpu', 'wasm', 'cpu'].map((engine) => ({
  name: `training step, DiT-S/2, batch 2, on ${engine}`,
  section: 'Engines',
  task: 'dense-step',
  spec: ditS({ batch: 2 }),
  peers: torch,
  engine,
}));

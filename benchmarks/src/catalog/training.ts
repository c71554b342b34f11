import { fileURLToPath } from 'node:url';
import { demoKind, denseFlops, ditB, ditS, forwardFlops, kindS, stepFlops } from './models';
import type { PeerImplementation, Row } from './row';

const eager = 'torch eager f32';
const compiled = 'torch.compile f32';
const segments = {
  label: 'torch eager f32, loop over segments',
  task: 'kind-step',
  spec: { implementation: 'segments' },
};
const gathered = { label: 'torch eager f32, gathered, bmm', spec: { implementation: 'gathered' } };

const models = [
  { model: 'DiT-S/2, batch 16, 64 tokens', spec: ditS(), quick: true },
  { model: 'DiT-B/2, batch 4, 256 tokens', spec: ditB(4), quick: false },
];

/** Whole training steps, and what their products take of them. */
export const training: Row[] = [
  ...models.map(
    ({ model, spec, quick }): Row => ({
      name: `training step, ${model}`,
      section: 'Training',
      task: 'dense-step',
      spec,
      peers: [
        { label: eager, task: 'dense-step', goal: 1.25 },
        { label: compiled, task: 'dense-step', spec: { compiled: true }, compiled: true },
      ],
      quick,
      flops: denseFlops(spec),
      note: 'loss, gradients, clipping, AdamW, EMA',
    }),
  ),
  ...models.map(
    ({ model, spec, quick }): Row => ({
      name: `training step in bf16, ${model}`,
      section: 'Training',
      task: 'dense-step',
      spec: { ...spec, precision: 'bf16' },
      peers: [{ label: 'torch eager, bf16 autocast', task: 'dense-step', goal: 1.4 }],
      bf16: true,
      quick,
      flops: denseFlops(spec),
      tolerance: { relative: 2e-2 },
      note: 'products in bf16, master weights and norms in f32',
    }),
  ),
  ...(['f32', 'bf16'] as const).flatMap((precision) => models.map((each) => share(each, precision))),
];

/** What a step without its optimiser takes beside its own products; the ratio is their share. */
function share({ model, spec }: (typeof models)[number], precision: 'f32' | 'bf16'): Row {
  const bf16 = precision === 'bf16';
  return {
    name: `step without its optimiser${bf16 ? ' in bf16' : ''}, ${model}`,
    section: 'Training',
    task: 'dense-gradients',
    spec: { ...spec, precision },
    peers: [],
    own: {
      label: 'its own products alone',
      task: 'step-products',
      spec: { ...spec, precision },
      goal: bf16 ? 0.82 : 0.9,
    },
    ...(bf16 && { bf16 }),
    flops: denseFlops(spec),
    note: "loss and gradients; the ratio is the products' share",
  };
}

/** Batch of the shorter form of `--quick`: a masked step of 64 takes half a minute. */
const QUICK_BATCH = 32;

function masked(batch: number): Row {
  const short = batch === QUICK_BATCH;
  return {
    name: `KIND step, DiT-S/2, N_G 192, N_t 16, 100 groups${short ? `, batch ${batch}` : ''}`,
    section: 'KIND',
    task: 'kind-step',
    spec: { ...kindS({ batch }), checkSteps: 1 },
    peers: [
      { label: 'torch eager f32, all tailors masked', task: 'kind-step', spec: { implementation: 'masked' }, goal: 9 },
    ],
    quick: short ? 'only' : false,
    note: `batch ${batch} of 16 classes, 64 tokens; clipping, AdamW, EMA`,
  };
}

/** KIND's gated training step, 16 of 100 classes in a batch. */
export const kind: Row[] = [
  masked(64),
  masked(QUICK_BATCH),
  {
    name: 'KIND step, DiT-S/2, N_G 192, N_t 16, 100 groups',
    section: 'KIND',
    task: 'kind-step',
    spec: { ...kindS(), checkSteps: 2 },
    peers: [
      { ...segments, goal: 1.5 },
      { ...gathered, task: 'kind-step', goal: 1.5 },
    ],
    bestPeer: true,
    quick: true,
    flops: stepFlops(kindS()),
    shareGoal: 0.9,
    note: 'batch 64 of 16 classes, 64 tokens; clipping, AdamW, EMA',
  },
  {
    name: 'KIND step in bf16, DiT-S/2, N_G 192, N_t 16, 100 groups',
    section: 'KIND',
    task: 'kind-step',
    spec: { ...kindS(), precision: 'bf16', checkSteps: 2 },
    peers: [{ label: 'torch eager, bf16 autocast, gathered, bmm', task: 'kind-step', spec: gathered.spec, goal: 1.4 }],
    bf16: true,
    flops: stepFlops(kindS()),
    tolerance: { relative: 2e-2 },
    note: 'batch 64 of 16 classes, 64 tokens; products in bf16, master weights and norms in f32',
  },
  ...demoRows(),
];

/** What the demo trains and samples: small, so that all that is around the kernels counts. */
function demoRows(): Row[] {
  const demo = { ...demoKind(), data: true };
  const novel = { ...demoKind({ groups: 2 }), data: true, trainable: 'tailors' as const };
  const steps = 5;
  const sample = { ...demoKind({ batch: 16 }), steps, guidance: 1.5 };
  const ungated = { task: 'kind-step', spec: { implementation: 'ungated' }, otherModel: true };
  return [
    {
      name: 'demo: KIND step, data and log included',
      section: 'KIND',
      task: 'kind-step',
      spec: demo,
      peers: [
        { ...gathered, task: 'kind-step', goal: 1.5 },
        { ...ungated, label: 'torch eager f32, no gate: one factor of rank 72', goal: 1.5 },
        {
          ...ungated,
          label: 'torch.compile f32, no gate: one factor of rank 72',
          spec: { ...ungated.spec, compiled: true },
          compiled: true,
          goal: 1.5,
        },
      ],
      flops: stepFlops(demo),
      rateGoal: 110,
      quick: true,
      note: 'hidden 192, depth 4, 16 tokens, batch 48 of 8 classes, N_G 64, N_t 8',
    },
    {
      name: 'demo: KIND step, data and log included, on wasm, 2 threads',
      section: 'KIND',
      task: 'kind-step',
      spec: demo,
      engine: 'wasm',
      threads: 2,
      peers: [],
      own: { label: 'the same on 1 thread', task: 'kind-step', spec: demo, threads: 1, goal: 1.6 },
      flops: stepFlops(demo),
      note: 'as above',
    },
    {
      name: 'demo: step of fresh tailors, data and log included',
      section: 'KIND',
      task: 'kind-step',
      spec: novel,
      peers: [{ ...gathered, task: 'kind-step', goal: 2 }],
      flops: (2 / 3) * stepFlops(novel),
      quick: true,
      note: 'the same model, 2 novel classes; learngenes and dense parts frozen',
    },
    {
      name: `demo: sampling, ${steps} DDIM steps with guidance, batch 16`,
      section: 'KIND',
      task: 'kind-sample',
      spec: sample,
      peers: [{ ...gathered, label: 'torch eager f32, gathered, inference mode', task: 'kind-sample', goal: 2 }],
      flops: 2 * steps * sample.batch * forwardFlops(sample),
      quick: true,
      tolerance: { relative: 2e-3 },
      note: 'the same model, doubled batch',
    },
  ];
}

/** The folder of a checkout of ours that is to be compared with this one; its packages are built. */
const OLD_BUILD = process.env.LEARNGENE_BENCH_OLD_BUILD;

/** What a user of the transfer benchmark waits for; only where there is an old build to compare with. */
export const transferCell: Row[] =
  OLD_BUILD === undefined
    ? []
    : [
        {
          name: 'transfer benchmark: one cell from nothing, by the command',
          section: 'KIND',
          task: 'transfer-cell',
          spec: { checkout: fileURLToPath(new URL('../..', import.meta.url)) },
          peers: [],
          own: { label: 'an older build', task: 'transfer-cell', spec: { checkout: OLD_BUILD }, goal: 1 / 0.6 },
          note: 'hidden 128, depth 4, 64 tokens, N_G 40, N_t 8; base, tuning, transfer, scores',
        },
      ];

function peak(name: string, quick: boolean, work: Pick<Row, 'task' | 'spec'> & { peer: PeerImplementation }): Row {
  const { task, spec, peer } = work;
  const note = 'peak resident size of a fresh process after 5 steps';
  return {
    name: `peak memory, ${name}`,
    section: 'Memory',
    task,
    spec,
    peers: [{ ...peer, goal: 1 }],
    memory: true,
    quick,
    note,
  };
}

/** Peak resident memory of a process that trains. */
export const memory: Row[] = [
  peak('DiT-S/2 step, batch 16', true, {
    task: 'dense-step',
    spec: ditS(),
    peer: { label: eager, task: 'dense-step' },
  }),
  peak('DiT-B/2 step, batch 4', false, {
    task: 'dense-step',
    spec: ditB(4),
    peer: { label: eager, task: 'dense-step' },
  }),
  peak('KIND step, 100 groups', false, { task: 'kind-step', spec: kindS(), peer: segments }),
];

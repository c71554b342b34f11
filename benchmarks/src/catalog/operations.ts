import type { MatmulSpec } from '../tasks/specs';
import type { Row } from './row';

const transformer = [
  { m: 1024, k: 384, n: 1152, what: 'qkv' },
  { m: 1024, k: 384, n: 384, what: 'projection' },
  { m: 1024, k: 384, n: 1536, what: 'MLP in' },
  { m: 1024, k: 1536, n: 384, what: 'MLP out' },
  { m: 16, k: 384, n: 2304, what: 'adaLN' },
  { m: 1024, k: 768, n: 3072, what: 'MLP in, DiT-B' },
];

function product(spec: Omit<MatmulSpec, 'precision'>, what: string, quick: boolean): Row[] {
  const { layout, m, k, n, batch } = spec;
  const shape = batch ? `${batch} x (${m}x${k}x${n})` : `${m}x${k}x${n}`;
  return (['f32', 'bf16'] as const).map((precision) => ({
    name: `matmul ${shape} ${layout}${precision === 'bf16' ? ' bf16' : ''}`,
    section: 'Matrix products',
    task: 'matmul',
    spec: { ...spec, precision },
    peers: [{ label: `torch.matmul ${precision}`, task: 'matmul', goal: goalOf(what, precision) }],
    quick: quick && precision === 'f32',
    bf16: precision === 'bf16',
    tolerance: { relative: precision === 'bf16' ? 5e-2 : 1e-3, absolute: precision === 'bf16' ? 1e-2 : 1e-5 },
    note: what,
  }));
}

/** Gradients of a layer with few rows are to be no slower than torch, in either precision. */
function goalOf(what: string, precision: 'f32' | 'bf16'): number | undefined {
  if (/^adaLN, .* gradient$/.test(what)) return 1;
  return precision === 'f32' ? 1.15 : undefined;
}

const layouts = ['NN', 'NT', 'TN'] as const;

/** Shapes of a DiT's layers: forward NT, input gradient NN, weight gradient TN. */
export const products: Row[] = [
  ...transformer.flatMap(({ m, k, n, what }) => [
    ...product({ layout: 'NT', m, k, n }, `${what}, forward`, true),
    ...product({ layout: 'NN', m, k: n, n: k }, `${what}, input gradient`, what === 'qkv'),
    ...product({ layout: 'TN', m: n, k: m, n: k }, `${what}, weight gradient`, what === 'qkv'),
  ]),
  ...product({ layout: 'NN', m: 1024, k: 1152, n: 384 }, '', true),
  ...product({ layout: 'NN', m: 1024, k: 4096, n: 1024 }, '', true),
  ...layouts.flatMap((layout) => product({ layout, m: 64, k: 64, n: 64, batch: 96 }, 'attention', true)),
  ...layouts.flatMap((layout) => product({ layout, m: 1024, k: 1024, n: 1024 }, '', layout === 'NN')),
].filter(({ name }, i, all) => all.findIndex((other) => other.name === name) === i);

const tokens = { shape: [16, 64, 384], heads: 6 };
const torch = 'torch eager f32';

/** 2.66 million parameters. */
const leaves = [
  [2304, 384],
  [1152, 384],
  [384, 384],
  [1536, 384],
  [384, 1536],
];

/** Single operations. */
export const operations: Row[] = [
  ...[false, true].map(
    (backward): Row => ({
      name: `layer norm + modulate${backward ? ', forward + backward' : ''}, [16, 64, 384]`,
      section: 'Operations',
      task: 'norm-modulate',
      spec: { ...tokens, backward },
      peers: [
        { label: torch, task: 'norm-modulate', goal: 1 },
        { label: 'torch.compile f32', task: 'norm-modulate', spec: { compiled: true }, compiled: true },
      ],
      quick: true,
    }),
  ),
  ...[
    { shape: [16, 64, 384], heads: 6, quick: true },
    { shape: [16, 256, 384], heads: 6, quick: false },
    { shape: [1, 1024, 384], heads: 6, quick: true },
    { shape: [1, 4096, 384], heads: 6, quick: false },
  ].flatMap(({ quick, ...spec }) =>
    [false, true].map(
      (backward): Row => ({
        name: `attention${backward ? ', forward + backward' : ''}, ${spec.shape[0] * spec.heads} heads, T=${spec.shape[1]}`,
        section: 'Operations',
        task: 'attention',
        spec: { ...spec, backward },
        peers: [{ label: `${torch}, scaled_dot_product_attention`, task: 'attention', goal: 1 }],
        quick: quick && backward,
      }),
    ),
  ),
  ...['add', 'mul', 'gelu'].map(
    (op): Row => ({
      name: `${op}, 1.5M elements`,
      section: 'Operations',
      task: 'elementwise',
      spec: { op, size: 1_572_864 },
      peers: [{ label: torch, task: 'elementwise', goal: 1 }],
      quick: true,
    }),
  ),
  {
    name: 'AdamW, 2.66M parameters',
    section: 'Operations',
    task: 'adamw',
    spec: { shapes: leaves },
    peers: [{ label: 'torch.optim.AdamW, fused', task: 'adamw', goal: 1 }],
    quick: true,
    note: 'old parameters and state written over, as torch does',
  },
  {
    name: 'clipping + AdamW + EMA, 2.66M parameters',
    section: 'Operations',
    task: 'optimizer',
    spec: { shapes: leaves },
    peers: [{ label: 'torch clip_grad_norm_, fused AdamW, foreach EMA', task: 'optimizer', goal: 1 }],
    quick: true,
    note: 'as a training step has them, old state written over',
  },
  ...(
    [
      { shape: [4, 64, 64, 128], out: 128, quick: true },
      { shape: [24, 64, 64, 48], out: 48, quick: false },
      { shape: [24, 16, 16, 96], out: 96, quick: false },
      { shape: [1, 64, 64, 512], out: 512, quick: false },
      { shape: [24, 64, 64, 3], out: 48, quick: false },
    ] as const
  ).flatMap(({ shape, out, quick }) =>
    [false, true].map(
      (backward): Row => ({
        name: `conv2d 3x3${backward ? ', gradients of input and filter' : ''}, [${shape.join(', ')}] to ${out}`,
        section: 'Operations',
        task: 'conv2d',
        spec: { shape, out, backward },
        peers: [{ label: `${torch}, the faster memory layout`, task: 'conv2d', goal: 1 }],
        quick: quick && !backward,
      }),
    ),
  ),
  ...[false, true].map(
    (backward): Row => ({
      name: `group norm + SiLU${backward ? ', forward + backward' : ''}, [4, 64, 64, 128]`,
      section: 'Operations',
      task: 'group-norm',
      spec: { shape: [4, 64, 64, 128], groups: 32, backward },
      peers: [{ label: `${torch}, the faster memory layout`, task: 'group-norm', goal: 1 }],
      quick: !backward,
    }),
  ),
];

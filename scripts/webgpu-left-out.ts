// What is left out of a run on software WebGPU, each with its reason. A training step of a tiny model is 2,000 to 17,000
// programs there, some seconds; what a step does is tested once, its many variants on the other engines.
import { existsSync } from 'node:fs';
import { beforeEach } from 'vitest';

const variants = 'a variant of a step that another test of the file runs';
const many = 'many steps of some seconds each; one step is tested';

const leftOut: readonly [file: string, test: RegExp, reason: string][] = [
  ['diffusion/src/sampler-sweep.test.ts', /./, 'hundreds of trajectories; parity, golden loops and convergence run'],
  ['kind/src/train-toy.test.ts', /^training on a toy task/, many],
  [
    'kind/src/train-step.test.ts',
    /^one step > (gives each|moves learngenes|adds the|trains the soft|decays the)/,
    variants,
  ],
  ['kind/src/train-step.test.ts', /^what is trainable > (all|tailors|tailors-and-shared):/, variants],
  ['kind/src/transfer.test.ts', /3 steps, bit for bit$/, many],
  [
    'kind/src/apply.test.ts',
    /^the gated forward pass > equals the (masked one|dense DiT)/,
    'torch-parity compares the same',
  ],
  [
    'kind/src/assemble-budget.test.ts',
    /^a budget > of (macs|bytes) is kept to/,
    'as of parameters: dozens of cuts, computed on the host',
  ],
  ['kind/src/assemble-budget.test.ts', /^a budget > of parameters .* \(soft gate\)/, 'as with the binary gate'],
  ['nn/src/ops/accuracy.test.ts', /gradient of a bias of many/, 'half a minute for one more sum'],
  [
    'nn/src/ops/accuracy.test.ts',
    /sums keep dtype and shape: empty/,
    'tfjs throws for empty tensors there; nn sums none',
  ],
  [
    'nn/src/ops/torch.test.ts',
    /^crossAttention > has the gradients of finite/,
    'as for attention, and they are compared with torch',
  ],
  ['vae/src/config.test.ts', /./, 'computes nothing'],
  ['vae/test/checkpoints.test.ts', /./, 'computes nothing'],
  ['vae/test/parity.test.ts', /^the (tiny-latents|kl-plain) autoencoder .* gradient/, 'as pooled and kl'],
  [
    'vae/test/parity.test.ts',
    /^the (pooled|kl-narrow) autoencoder .* 256 pixels/,
    'minutes; as shuffle at 256, kl-plain at 64',
  ],
  ['vae/test/tiles.test.ts', /^the reach of/, 'what a number sees, counted alike on every engine'],
  ['vae/test/tiles.test.ts', /need the memory of a tile/, 'twenty tiles; counted alike on every engine'],
  ['vae/test/tiles.test.ts', /^blended tiles of diffusers' kl >/, 'as those of kl-plain'],
  ['vae/test/tiles.test.ts', /^tiles of the strided autoencoder > are/, 'as those of the shuffle autoencoder'],
];

for (const [file] of leftOut) {
  if (!existsSync(new URL(`../packages/${file}`, import.meta.url))) throw new Error(`webgpu-left-out: no file ${file}`);
}

beforeEach((context) => {
  const file = context.task.file.filepath;
  const names: string[] = [];
  for (let at: { name: string; suite?: typeof at } | undefined = context.task; at; at = at.suite)
    names.unshift(at.name);
  const name = names.join(' > ');
  const found = leftOut.find(([end, test]) => file.endsWith(end) && test.test(name));
  if (found) context.skip(`on WebGPU by software: ${found[2]}`);
});

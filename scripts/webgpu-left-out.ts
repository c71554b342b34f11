// What is left out of a run on software WebGPU, each with its reason. A training step of a tiny model is 2,000 to 17,000
// programs there, some seconds; what a step does is tested once, its many variants on the other engines.
import { beforeEach } from 'vitest';

const variants = 'a variant of a step that another test of the file runs';
const many = 'many steps of some seconds each; one step is tested';

const leftOut: readonly [file: string, test: RegExp, reason: string][] = [
  ['kind/src/train-step.test.ts', /^training on a toy task/, many],
  [
    'kind/src/train-step.test.ts',
    /^one step > (gives each group|moves learngenes|adds the orthogonality|trains the soft)/,
    variants,
  ],
  ['kind/src/train-step.test.ts', /^what is trainable > (all|tailors):/, variants],
  ['kind/src/transfer.test.ts', /3 steps, bit for bit$/, many],
  [
    'kind/src/apply.test.ts',
    /^the gated forward pass > equals the masked one, and so do all gradients: (?!nothing)/,
    variants,
  ],
  [
    'kind/src/assemble.test.ts',
    /^a budget > of (macs|bytes) is kept to/,
    'as for parameters: dozens of cuts, computed on the host',
  ],
  [
    'nn/src/ops/torch.test.ts',
    /^crossAttention > has the gradients of finite/,
    'as for attention, and they are compared with torch',
  ],
];

beforeEach((context) => {
  const file = context.task.file.filepath;
  const names: string[] = [];
  for (let at: { name: string; suite?: typeof at } | undefined = context.task; at; at = at.suite)
    names.unshift(at.name);
  const name = names.join(' > ');
  const found = leftOut.find(([end, test]) => file.endsWith(end) && test.test(name));
  if (found) context.skip(`on WebGPU by software: ${found[2]}`);
});

// Whether training with bfloat16 products has the losses of float32: `learngene train` on emoji with some seeds, twice each.
// Usage: node scripts/bf16-loss.mjs [--steps 500] [--seeds 3] [--out runs/bf16-loss]   (needs a processor with AVX512-BF16)
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine } from './command-line.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = commandLine(import.meta.url, {
  steps: { type: 'number', default: 500 },
  seeds: { type: 'number', default: 3 },
  out: { type: 'string', default: join(root, 'runs', 'bf16-loss') },
});
const seeds = Array.from({ length: values.seeds }, (_, seed) => seed);

/** The losses that a training wrote down, one every few steps. */
function losses(precision, seed) {
  const out = join(values.out, `${precision}-${seed}`);
  const cli = join(root, 'apps', 'cli', 'bin', 'learngene.mjs');
  const classes = 'animal-mammal,clothing,country-flag,face-smiling,food-fruit,geometric,time,transport-ground';
  const settings = [
    `training.precision=${precision}`,
    'training.sampleEvery=100000',
    'data.source=emoji',
    'data.size=20',
    'model.hiddenSize=128',
    'model.depth=4',
    'model.heads=4',
  ];
  const run = ['--engine', 'native', '--steps', String(values.steps), '--seed', String(seed), '--out', out, '--quiet'];
  const args = ['train', ...run, '--classes', classes];
  const { status } = spawnSync(process.execPath, [cli, ...args, ...settings.flatMap((text) => ['--set', text])], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
  const lines = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line)).filter(({ loss }) => typeof loss === 'number');
}

const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
const runs = seeds.map((seed) => {
  const both = ['f32', 'bf16'].map((precision) => losses(precision, seed));
  console.log(`seed ${seed}: trained in both precisions`);
  return both;
});
const parts = 5;
console.log('steps          f32 loss   bf16 - f32, mean of seeds   largest of a seed   f32 spread over seeds');
for (let part = 0; part < parts; part++) {
  const [from, until] = [part, part + 1].map((at) => (Number(values.steps) * at) / parts);
  const inside = (run) => mean(run.filter(({ step }) => step > from && step <= until).map(({ loss }) => loss));
  const exact = runs.map(([f32]) => inside(f32));
  const differences = runs.map(([f32, bf16]) => inside(bf16) - inside(f32));
  const spread = Math.sqrt(
    mean(exact.map((x) => (x - mean(exact)) ** 2)) * (seeds.length / Math.max(1, seeds.length - 1)),
  );
  const figures = [mean(exact), mean(differences), Math.max(...differences.map(Math.abs)), spread];
  console.log(`${`${from}-${until}`.padEnd(12)} ${figures.map((x) => x.toFixed(5).padStart(12)).join('      ')}`);
}

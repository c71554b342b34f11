// Shows that a run killed at any moment resumes to the bits it would have had: trains a tiny model unbroken, then again
// while `kill -9` strikes at random moments, and compares the files of the last checkpoints.
// Usage: node scripts/kill-test.mjs [--kills 20] [--steps 300] [--seed 1] [--engine cpu]
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine } from './command-line.mjs';

const { values } = commandLine(import.meta.url, {
  kills: { type: 'number', default: 20 },
  steps: { type: 'number', default: 300 },
  seed: { type: 'number', default: 1, minimum: 0 },
  engine: { type: 'string', default: 'cpu' },
});
const { kills } = values;
const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'apps', 'cli', 'bin', 'learngene.mjs');
const work = mkdtempSync(join(tmpdir(), 'learngene-kill-'));

/** Numbers in [0, 1) from a seed (mulberry32): the moments of the kills repeat with the seed. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const settings = [
  'data.source=emoji',
  'data.classes=["heart","arrow","geometric"]',
  'data.novel=[]',
  'data.size=8',
  'model.patchSize=4',
  'model.hiddenSize=16',
  'model.depth=2',
  'model.heads=2',
  'model.learngeneRank=4',
  'model.tailorRank=2',
  'training.batchSize=8',
  `training.steps=${values.steps}`,
  'training.checkpointEvery=5',
  // Always clipped, so that the order in which the norm is summed would show.
  'training.clipNorm=0.01',
  'training.sampleEvery=0',
  'training.logEvery=5',
  'diffusion.timestepSampler=loss-second-moment',
].flatMap((setting) => ['--set', setting]);

/** Starts or resumes a run; resolves with its exit code, or null when it was killed after `killAfter` ms. */
function train(out, { resume, killAfter }) {
  const start = ['train', '--out', out, ...(resume ? ['--resume'] : settings), '--engine', values.engine, '--quiet'];
  const child = spawn(process.execPath, [bin, ...start], { stdio: ['ignore', 'ignore', 'inherit'] });
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
  return new Promise((resolve) =>
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve(signal === 'SIGKILL' ? null : code);
    }),
  );
}

/**
 * sha256 of every file of the last checkpoint, by name. Of state.json the place in the log is left out: the log's lines
 * hold timings, so their lengths differ from run to run.
 */
function fingerprint(run) {
  const folder = join(run, 'checkpoints', `step-${values.steps}`);
  return readdirSync(folder)
    .sort()
    .map((name) => {
      let bytes = readFileSync(join(folder, name));
      if (name === 'state.json') {
        const { files, state } = JSON.parse(bytes.toString());
        bytes = JSON.stringify({ files, state: { ...state, metricsBytes: undefined } });
      }
      return `${createHash('sha256').update(bytes).digest('hex')} ${name}`;
    });
}

const next = random(values.seed);
try {
  const unbroken = join(work, 'unbroken');
  const started = Date.now();
  if ((await train(unbroken, { resume: false })) !== 0) throw new Error('the unbroken run failed');
  const length = Date.now() - started;
  console.log(`unbroken run: ${values.steps} steps in ${(length / 1000).toFixed(1)} s on ${values.engine}`);

  const broken = join(work, 'broken');
  let struck = 0;
  let created = false;
  while (struck < kills) {
    const code = await train(broken, { resume: created, killAfter: 300 + next() * 3500 });
    created ||= readdirSync(work).includes('broken') && readdirSync(broken).includes('config.json');
    if (code === null) struck++;
    else if (code === 0) break;
    else throw new Error(`a resumed run failed with exit code ${code}`);
  }
  console.log(`killed ${struck} times`);
  if (struck < kills) throw new Error(`the run ended after ${struck} kills; give it more --steps`);
  if ((await train(broken, { resume: created })) !== 0) throw new Error('the last resumed run failed');

  const expected = fingerprint(unbroken);
  const got = fingerprint(broken);
  if (JSON.stringify(expected) !== JSON.stringify(got)) {
    throw new Error(`checkpoints differ:\n${expected.join('\n')}\n--- after kills\n${got.join('\n')}`);
  }
  console.log(`all ${got.length} files of the last checkpoint are bit-identical`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

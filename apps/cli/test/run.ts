import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeSafetensors } from '@learngene/tensor-io/node';
import { tinyImages } from '@learngene/testing';

/** Whether signals end processes here at once, unheard, and there is no `ulimit`. */
export const windows = process.platform === 'win32';

/** The built command. */
export const bin = fileURLToPath(new URL('../bin/learngene.mjs', import.meta.url));

/** What a finished process left. */
export interface Finished {
  /** Its exit code; null where a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A process that is running. */
export interface Running {
  child: ChildProcess;
  finished: Promise<Finished>;
}

/** Where a program is started, and when it is killed at the latest (default: after ten minutes). */
export interface StartOptions {
  cwd?: string;
  timeout?: number;
  env?: Record<string, string>;
}

/** Starts a program and gathers what it prints. */
export function startProgram(file: string, args: readonly string[], options: StartOptions = {}): Running {
  const env = { ...process.env, NO_COLOR: '1', ...options.env };
  const limit = { timeout: 600_000, killSignal: 'SIGKILL' as const };
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...limit, ...options, env });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, finished };
}

/** Starts the command. */
export function start(args: readonly string[], options: StartOptions = {}): Running {
  return startProgram(process.execPath, [bin, ...args], options);
}

/** Runs the command to its end. */
export function run(...args: string[]): Promise<Finished> {
  return start(args).finished;
}

/** Runs the command, which must succeed, and says what it printed where it does not. */
export async function succeed(...args: string[]): Promise<Finished> {
  const finished = await run(...args);
  if (finished.code !== 0) throw new Error(`learngene ${args.join(' ')}: exit ${finished.code}\n${finished.stderr}`);
  return finished;
}

/** Runs the command with `--json --quiet`: warnings alone may come on stderr, and one JSON document on stdout. */
export async function json<T = Record<string, unknown>>(...args: string[]): Promise<T> {
  const { stdout, stderr } = await succeed(...args, '--json', '--quiet');
  if (stderr.split('\n').some((line) => line !== '' && !line.startsWith('warning ')))
    throw new Error(`learngene ${args.join(' ')}: expected no line but warnings on stderr, got ${stderr}`);
  return JSON.parse(stdout) as T;
}

/** Writes a packed dataset of small images. */
export async function writeImages(path: string, sizes: Parameters<typeof tinyImages>[0] = {}): Promise<void> {
  const { tensors, metadata } = tinyImages(sizes);
  await writeSafetensors(path, tensors, { metadata });
}

/** Settings of a model that trains in a second. */
export const tiny = [
  'model.patchSize=4',
  'model.hiddenSize=16',
  'model.depth=2',
  'model.heads=2',
  'model.learngeneRank=4',
  'model.tailorRank=2',
  'training.batchSize=8',
  'training.checkpointEvery=5',
  'training.logEvery=2',
  'training.sampleEvery=0',
  'training.warmup=2',
  'training.clipNorm=0.05',
  'sampling.steps=4',
].flatMap((setting) => ['--set', setting]);

/** The arguments that train the tiny model on a packed dataset. */
export function trainTiny(data: string, out: string, steps: number, ...more: string[]): string[] {
  const source = ['--data', 'packed', '--data-path', data, '--engine', 'cpu'];
  return ['train', ...source, '--out', out, '--steps', String(steps), ...tiny, ...more];
}

/** sha256 of a file. */
export function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/**
 * What a checkpoint holds, by file: sha256 of the tensors, the state of everything else. The place in the log is left out:
 * its lines hold timings, so their lengths differ from run to run.
 */
export function fingerprint(runFolder: string, step: number): Record<string, unknown> {
  const folder = join(runFolder, 'checkpoints', `step-${step}`);
  const { state, files } = JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8'));
  const { metricsBytes: _, ...rest } = state;
  const tensors = Object.keys(files).map((name) => [name, sha256(join(folder, `${name}.safetensors`))]);
  return { ...Object.fromEntries(tensors), files, state: rest };
}

/** Names in the folder of checkpoints. */
export function checkpoints(runFolder: string): string[] {
  const folder = join(runFolder, 'checkpoints');
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

/** Waits until a condition holds, at most ten seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  if (!condition()) throw new Error('until: waited ten seconds in vain');
}

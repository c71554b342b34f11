import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNpz, readSafetensors } from '@learngene/tensor-io/node';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { isUsageError } from '../src/cli/errors';
import { assembleCommand } from '../src/commands/assemble';
import { dataCommand } from '../src/commands/data';
import { decomposeCommand } from '../src/commands/decompose';
import { evaluateCommand } from '../src/commands/evaluate';
import { inspectCommand } from '../src/commands/inspect';
import { sampleCommand } from '../src/commands/sample';
import { trainCommand } from '../src/commands/train';
import { transferCommand } from '../src/commands/transfer';
import { tiny, writeImages } from './run';

const folder = temporaryFolder('cli');
const at = (...names: string[]) => join(folder, ...names);
const cpu = ['--engine', 'cpu'];
const written: string[] = [];
const silence = [process.stdout, process.stderr].map((stream) =>
  vi.spyOn(stream, 'write').mockImplementation((text) => written.push(String(text)) > 0),
);
afterAll(() => {
  for (const spy of silence) spy.mockRestore();
});

/** Runs a command in this process. */
const run = (command: () => Command, ...args: string[]) => command().exitOverride().parseAsync(args, { from: 'user' });
const dense = (layout: string, out: string) =>
  run(
    assembleCommand,
    '--from',
    at('bundle'),
    '--class',
    'bars',
    '--form',
    'dense',
    '--layout',
    layout,
    '--out',
    out,
    ...cpu,
  );

const evaluateDrawn = ({ reference, classifier }: { reference: string; classifier: string }) => {
  const files = ['--samples', at('drawn.npz'), '--reference', reference, '--classifier', classifier];
  return run(evaluateCommand, ...files, '--metrics', 'fid', ...cpu);
};

let count = 0;
/** A path that nothing was written to. */
const fresh = (ending = '') => at(`out-${count++}${ending}`);

beforeAll(async () => {
  const data = at('packed.safetensors');
  await writeImages(data);
  await run(trainCommand, '--data', data, '--novel', 'flat', '--out', at('run'), '--steps', '1', ...cpu, ...tiny);
  await run(decomposeCommand, '--from', at('run'), '--out', at('bundle'), ...cpu);
  for (const layout of ['learngene', 'facebook']) await dense(layout, at(`${layout}.safetensors`));
  await dense('diffusers', at('diffusers'));
  await run(
    sampleCommand,
    '--from',
    at('run'),
    '--count',
    '2',
    '--out',
    at('grid.png'),
    '--npz',
    at('drawn.npz'),
    ...cpu,
  );
  const quick = ['--count', '2', '--classifier-steps', '1', '--metrics', 'fid', ...cpu];
  await run(evaluateCommand, '--from', at('run'), '--set', 'data.holdOut=0.5', ...quick);
  mkdirSync(at('demo'));
  writeFileSync(at('demo', 'demo.json'), '{}');
  for (const name of ['pretrain', 'transfer']) cpSync(at('run'), at('demo', name), { recursive: true });
  mkdirSync(at('empty'));
}, 300_000);

/** Everything that commands write, by a name. */
const artifacts: Readonly<Record<string, () => string>> = {
  run: () => at('run'),
  'a checkpoint': () => at('run', 'checkpoints', 'step-1'),
  'the checkpoints': () => at('run', 'checkpoints'),
  'averaged weights': () => at('run', 'checkpoints', 'step-1', 'ema.safetensors'),
  'optimiser state': () => at('run', 'checkpoints', 'step-1', 'optimizer.safetensors'),
  'state.json': () => at('run', 'checkpoints', 'step-1', 'state.json'),
  'config.json': () => at('run', 'config.json'),
  'metrics.jsonl': () => at('run', 'metrics.jsonl'),
  'report.html': () => at('run', 'report.html'),
  'sample folder': () => at('run', 'samples'),
  classifier: () => at('run', 'classifier.safetensors'),
  bundle: () => at('bundle'),
  'kind.json': () => at('bundle', 'kind.json'),
  learngenes: () => at('bundle', 'learngenes.safetensors'),
  'shared parts': () => at('bundle', 'shared.safetensors'),
  'folder of tailors': () => at('bundle', 'tailors'),
  tailors: () => at('bundle', 'tailors', readdirSync(at('bundle', 'tailors'))[0]),
  'dense, our keys': () => at('learngene.safetensors'),
  'dense, facebook keys': () => at('facebook.safetensors'),
  'dense, diffusers folder': () => at('diffusers'),
  'dense, diffusers file': () => at('diffusers', 'diffusion_pytorch_model.safetensors'),
  demo: () => at('demo'),
  'packed images': () => at('packed.safetensors'),
  'drawn npz': () => at('drawn.npz'),
  grid: () => at('grid.png'),
  'an empty folder': () => at('empty'),
};

const models = ['run', 'bundle', 'demo'];
const denseModels = ['dense, our keys', 'dense, facebook keys', 'dense, diffusers folder', 'dense, diffusers file'];
const tensors = ['averaged weights', 'optimiser state', 'learngenes', 'shared parts', 'tailors', 'classifier'];
const score = ['--count', '2', '--classifier-steps', '1', '--metrics', 'fid', '--set', 'data.holdOut=0.5', ...cpu];
const short = ['--steps', '1', '--set', 'training.warmup=0', ...cpu];

/** Every option that takes what a command wrote: what it reads; all else must be refused. */
const consumers: Readonly<Record<string, { reads: readonly string[]; use: (path: string) => Promise<unknown> }>> = {
  inspect: {
    reads: [...models, ...denseModels, ...tensors, 'packed images'],
    use: (path) => run(inspectCommand, path),
  },
  'sample --from': {
    reads: [...models, ...denseModels],
    use: (path) => run(sampleCommand, '--from', path, '--count', '1', '--steps', '2', '--out', fresh('.png'), ...cpu),
  },
  'evaluate --from': {
    reads: [...models, ...denseModels],
    use: (path) =>
      run(
        evaluateCommand,
        ...['--from', path, '--class', 'bars', '--classifier', fresh('.safetensors')],
        ...[...score, '--set', 'sampling.steps=2'],
      ),
  },
  'transfer --from': {
    reads: models,
    use: (path) => run(transferCommand, '--from', path, '--class', 'flat', '--out', fresh(), ...short),
  },
  'decompose --from': {
    reads: ['run', 'demo'],
    use: (path) => run(decomposeCommand, '--from', path, '--out', fresh(), ...cpu),
  },
  'assemble --from': {
    reads: models,
    use: (path) => run(assembleCommand, '--from', path, '--class', 'bars', '--out', fresh(), ...cpu),
  },
  'train --init-from': {
    reads: denseModels,
    use: (path) =>
      run(
        trainCommand,
        '--data',
        at('packed.safetensors'),
        '--class',
        'bars',
        '--init-from',
        path,
        '--out',
        fresh(),
        ...short,
        ...tiny,
      ),
  },
  'train --resume': {
    reads: ['run'],
    use: (path) => run(trainCommand, '--resume', '--out', path, ...cpu),
  },
  'data list --data': {
    reads: ['packed images', 'drawn npz'],
    use: (path) => run(dataCommand, 'list', '--data', path),
  },
  'data list --data folder --data-path': {
    reads: [],
    use: (path) => run(dataCommand, 'list', '--data', 'folder', '--data-path', path),
  },
  'evaluate --samples': {
    reads: ['drawn npz'],
    use: (path) =>
      run(
        evaluateCommand,
        '--samples',
        path,
        '--data',
        at('packed.safetensors'),
        '--classifier',
        fresh('.safetensors'),
        '--classifier-steps',
        '1',
        '--metrics',
        'fid',
        '--set',
        'data.holdOut=0.5',
        ...cpu,
      ),
  },
  'evaluate --reference': {
    reads: ['drawn npz'],
    use: (path) => evaluateDrawn({ reference: path, classifier: at('run', 'classifier.safetensors') }),
  },
  'evaluate --classifier': {
    reads: ['classifier'],
    use: (path) => evaluateDrawn({ reference: at('drawn.npz'), classifier: path }),
  },
};

describe.each(Object.entries(consumers))('%s', (_, { reads, use }) => {
  test.each(Object.entries(artifacts))('%s', async (name, path) => {
    expect(existsSync(path())).toBe(true);
    if (reads.includes(name)) {
      await use(path());
      return;
    }
    const refusal: unknown = await use(path()).then(
      () => new Error(`${name} was read`),
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(Error);
    const { message } = refusal as Error;
    // What it is is said; data say what they lack.
    expect(message).toMatch(/this is |expected a folder|expected the ending/);
    expect(message).toContain(path());
    if (!message.includes('expected a folder')) expect(isUsageError(refusal)).toBe(true);
  });
});

describe('a dense model draws what the bundle draws', () => {
  test.each(['learngene.safetensors', 'facebook.safetensors', 'diffusers'])('%s, without guidance', async (name) => {
    const [whole, one] = [fresh('.npz'), fresh('.npz')];
    const args = ['--class', 'bars', '--count', '4', '--steps', '4', '--guidance', '1', ...cpu];
    await run(sampleCommand, '--from', at('bundle'), ...args, '--out', fresh('.png'), '--npz', whole);
    await run(sampleCommand, '--from', at(name), ...args, '--out', fresh('.png'), '--npz', one);
    const bytes = async (path: string) => (await readNpz(path)).get('arr_0')?.data as Uint8Array;
    const [expected, got] = [await bytes(whole), await bytes(one)];
    const worst = Array.from(expected, (value, i) => Math.abs(value - got[i])).reduce((a, b) => Math.max(a, b));
    expect(worst).toBeLessThanOrEqual(1); // one step of 256, where rounding falls the other way
  });

  test('diffusers keys of a model with the timesteps of facebookresearch: said, and read as it is', async () => {
    written.length = 0;
    await dense('diffusers', fresh());
    expect(written.join('')).toMatch(/warning.*diffusers embeds timesteps a little differently from this model/);
    const { metadata } = await readSafetensors(at('diffusers', 'diffusion_pytorch_model.safetensors'));
    expect(JSON.parse(metadata.config).frequencyShift).toBe(0);
    expect(JSON.parse(readFileSync(at('diffusers', 'config.json'), 'utf8'))._class_name).toBe('DiTTransformer2DModel');
  });
});

test('a demo is its pre-training run, which is said', async () => {
  written.length = 0;
  await run(inspectCommand, at('demo'), '--json');
  expect(written.join('')).toContain(`${at('demo')} is a demo; its models are ${at('demo', 'pretrain')}`);
});

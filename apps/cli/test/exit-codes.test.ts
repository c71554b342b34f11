import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors, writeSafetensors } from '@learngene/tensor-io/node';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { errorLine, exitCode } from '../src/cli/errors';
import { assembleCommand } from '../src/commands/assemble';
import { benchCommand } from '../src/commands/bench';
import { bundleCommand } from '../src/commands/bundle';
import { convertCommand } from '../src/commands/convert';
import { dataCommand } from '../src/commands/data';
import { decomposeCommand } from '../src/commands/decompose';
import { demoCommand } from '../src/commands/demo';
import { evaluateCommand } from '../src/commands/evaluate';
import { inspectCommand } from '../src/commands/inspect';
import { sampleCommand } from '../src/commands/sample';
import { trainCommand } from '../src/commands/train';
import { transferCommand } from '../src/commands/transfer';
import { vaeCommand } from '../src/commands/vae';
import { tiny, writeImages } from './run';

const folder = temporaryFolder('exit-codes');
const at = (...names: string[]) => join(folder, ...names);
const cpu = ['--engine', 'cpu'];
const silence = [process.stdout, process.stderr].map((stream) =>
  vi.spyOn(stream, 'write').mockImplementation(() => true),
);
afterAll(() => {
  for (const spy of silence) spy.mockRestore();
});

const run = (command: () => Command, args: readonly string[]) =>
  command()
    .exitOverride()
    .parseAsync([...args], { from: 'user' });
/** The exit code and the line of a call that fails. */
const refusal = (command: () => Command, args: readonly string[]) =>
  run(command, args).then(
    () => 'nothing',
    (error: unknown) => `${exitCode(error)} ${errorLine(error)}`,
  );

beforeAll(async () => {
  const data = at('images.safetensors');
  await writeImages(data);
  await run(trainCommand, ['--data', data, '--novel', 'flat', '--out', at('run'), '--steps', '5', ...cpu, ...tiny]);
  await run(decomposeCommand, ['--from', at('run'), '--out', at('bundle'), ...cpu]);
  for (const name of ['torn', 'bad-manifest', 'bad-tailors']) cpSync(at('bundle'), at(name), { recursive: true });
  const torn = at('torn', 'learngenes.safetensors');
  writeFileSync(torn, readFileSync(torn).fill(1, 300, 310));
  writeFileSync(
    at('bad-manifest', 'kind.json'),
    readFileSync(at('bundle', 'kind.json'), 'utf8').replace('"heads": 2', '"heads": 1'),
  );
  const sent = at('bundle', 'tailors', 'bars.safetensors');
  const { tensors, metadata } = await readSafetensors(sent);
  for (const { data } of tensors.values()) data.fill(Number.NaN as never);
  await writeSafetensors(at('nan.safetensors'), tensors, { metadata });
  cpSync(at('run'), at('torn-run'), { recursive: true });
  writeFileSync(at('torn-run', 'checkpoints', 'step-5', 'ema.safetensors'), 'rubbish');
  writeFileSync(at('rubbish.safetensors'), 'rubbish '.repeat(9));
  writeFileSync(at('rubbish.npz'), 'rubbish '.repeat(9));
  writeFileSync(at('note.txt'), 'a text');
  mkdirSync(at('empty'));
}, 300_000);

/** A call: the command, and its arguments with a path in the place that is tried. */
type Call = readonly [name: string, command: () => Command, args: (path: string) => string[]];

const out = () => at('never');
const MODEL: Call[] = [
  ['sample --from', sampleCommand, (path) => ['--from', path, '--out', at('never.png'), ...cpu]],
  ['evaluate --from', evaluateCommand, (path) => ['--from', path, ...cpu]],
  ['assemble --from', assembleCommand, (path) => ['--from', path, '--out', out(), ...cpu]],
  [
    'transfer --from',
    transferCommand,
    (path) => ['--from', path, '--data', at('images.safetensors'), '--out', out(), ...cpu],
  ],
  ['inspect', inspectCommand, (path) => [path]],
];
const RUN: Call[] = [
  ['decompose --from', decomposeCommand, (path) => ['--from', path, '--out', out(), ...cpu]],
  ['train --resume', trainCommand, (path) => ['--resume', '--out', path, ...cpu]],
  ['transfer --resume', transferCommand, (path) => ['--resume', '--out', path, ...cpu]],
  ['vae train --resume', vaeCommand, (path) => ['train', '--resume', '--out', path, ...cpu]],
];
const BUNDLE: Call[] = [
  ['bundle list', bundleCommand, (path) => ['list', path]],
  ['bundle verify', bundleCommand, (path) => ['verify', path]],
  ['bundle add', bundleCommand, (path) => ['add', path, at('run'), '--class', 'bars', '--as', 'x', ...cpu]],
  ['bundle add, source', bundleCommand, (path) => ['add', at('bundle'), path, ...cpu]],
  ['bundle remove', bundleCommand, (path) => ['remove', path, 'bars']],
  ['bundle rename', bundleCommand, (path) => ['rename', path, 'bars', 'x']],
  ['bundle merge', bundleCommand, (path) => ['merge', path, at('bundle')]],
  ['bundle merge, other', bundleCommand, (path) => ['merge', at('bundle'), path]],
];
const DATA: Call[] = [
  ['data list', dataCommand, (path) => ['list', '--data', path]],
  ['data list of a kind', dataCommand, (path) => ['list', '--data', 'packed', '--data-path', path]],
  ['data list of folders', dataCommand, (path) => ['list', '--data', 'folder', '--data-path', path]],
  ['data merge', dataCommand, (path) => ['merge', '--data', path, '--by', 'wordnet', '--out', at('never.json')]],
  ['data prepare', dataCommand, (path) => ['prepare', '--data', path, '--out', at('never.safetensors')]],
  ['data latents', dataCommand, (path) => ['latents', '--data', path, '--vae', 'emoji', '--out', out(), ...cpu]],
  ['train', trainCommand, (path) => ['--data', path, '--out', out(), ...cpu]],
  ['train of a kind', trainCommand, (path) => ['--data', 'packed', '--data-path', path, '--out', out(), ...cpu]],
  ['vae train', vaeCommand, (path) => ['train', '--data', path, '--out', out(), ...cpu]],
  ['demo', demoCommand, (path) => ['--data', path, '--novel', 'x', '--out', out(), ...cpu]],
];
const FILES: Call[] = [
  ['convert', convertCommand, (path) => [path, at('never.safetensors')]],
  [
    'train --init-from',
    trainCommand,
    (path) => ['--data', at('images.safetensors'), '--init-from', path, '--out', out(), ...cpu],
  ],
  ['train --config', trainCommand, (path) => ['--config', path, '--out', out(), ...cpu]],
  ['evaluate --samples', evaluateCommand, (path) => ['--samples', path, '--data', at('images.safetensors'), ...cpu]],
  ['evaluate --reference', evaluateCommand, (path) => ['--from', at('run'), '--reference', path, ...cpu]],
  ['train --vae', trainCommand, (path) => ['--data', at('images.safetensors'), '--vae', path, '--out', out(), ...cpu]],
  [
    'train --latents',
    trainCommand,
    (path) => ['--data', at('images.safetensors'), '--latents', path, '--out', out(), ...cpu],
  ],
  ['bench --plan', benchCommand, (path) => ['transfer', '--plan', path, '--out', out(), ...cpu]],
];
const ALL = [...MODEL, ...RUN, ...BUNDLE, ...DATA, ...FILES];

describe('code 2 where nothing is at the path that a call names', () => {
  test.each(ALL)('%s', async (_, command, args) => {
    const line = await refusal(command, args(at('none')));
    expect(line).toMatch(/^2 /);
    expect(line).toContain(at('none'));
    expect(line, 'a message of the system as it is').not.toMatch(/ENOENT: |, open '|, stat '|, scandir '/);
  });
});

describe('code 2 where something else is at the path', () => {
  test.each(ALL.filter(([name]) => name !== 'data list of folders'))('%s', async (_, command, args) => {
    expect(await refusal(command, args(at('empty')))).toMatch(/^2 /);
  });
});

describe('code 1 where what is there is damaged', () => {
  const BOTH = [
    ...MODEL.filter(([name]) => !/^(evaluate|transfer)/.test(name)),
    ...BUNDLE.filter(([name]) => name !== 'bundle verify'),
  ];
  test.each(BOTH.filter(([name]) => name !== 'bundle add, source'))(
    '%s of a kind.json that was edited',
    async (_, command, args) => {
      expect(await refusal(command, args(at('bad-manifest')))).toMatch(/^1 .*kind\.json: checksum: expected/);
    },
  );

  test.each<[string, () => Command, () => string[]]>([
    ['a bundle to sample from', sampleCommand, () => ['--from', at('torn'), '--out', at('never.png'), ...cpu]],
    ['a bundle to add to', bundleCommand, () => ['add', at('torn'), at('run'), '--as', 'x', '--class', 'bars', ...cpu]],
    ['a bundle to merge into', bundleCommand, () => ['merge', at('torn'), at('bundle')]],
    ['a bundle to merge', bundleCommand, () => ['merge', at('bundle'), at('torn')]],
    ['tailors with NaN', bundleCommand, () => ['add', at('bundle'), at('nan.safetensors'), '--as', 'x']],
    ['a checkpoint', sampleCommand, () => ['--from', at('torn-run'), '--out', at('never.png'), ...cpu]],
    ['packed images', dataCommand, () => ['list', '--data', 'packed', '--data-path', at('rubbish.safetensors')]],
    ['a file of tensors', inspectCommand, () => [at('rubbish.safetensors')]],
    ['a file to convert', convertCommand, () => [at('rubbish.safetensors'), at('never.safetensors')]],
    ['samples', evaluateCommand, () => ['--samples', at('rubbish.npz'), '--data', at('images.safetensors'), ...cpu]],
  ])('%s', async (_, command, args) => {
    const line = await refusal(command, args());
    expect(line).toMatch(/^1 /);
    expect(line).toContain(folder);
  });
});

describe('code 2 where a name does not fit', () => {
  test.each<[string, () => Command, () => string[]]>([
    [
      'no class of the model',
      sampleCommand,
      () => ['--from', at('run'), '--classes', 'owl', '--out', at('never.png'), ...cpu],
    ],
    ['no class of the bundle', bundleCommand, () => ['remove', at('bundle'), 'owl']],
    ['nothing to rename', bundleCommand, () => ['rename', at('bundle'), 'owl', 'x']],
    ['a name that is taken', bundleCommand, () => ['rename', at('bundle'), 'bars', 'dots']],
    ['a class that is there', bundleCommand, () => ['add', at('bundle'), at('run'), ...cpu]],
    ['no class of the run', bundleCommand, () => ['add', at('bundle'), at('run'), '--classes', 'owl', ...cpu]],
    [
      'no class of the data',
      dataCommand,
      () => ['prepare', '--data', at('images.safetensors'), '--classes', 'owl', '--out', at('never.safetensors')],
    ],
  ])('%s', async (_, command, args) => {
    expect(await refusal(command, args())).toMatch(/^2 /);
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run, succeed, trainTiny } from './run';
import { imagesFolder } from './tiny-files';

const { folder, data, source } = imagesFolder();

describe('help', () => {
  test('lists the commands', async () => {
    const { stdout } = await succeed('--help');
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const commands =
      stdout
        .split('Commands:')[1]
        .match(/^ {2}([a-z]+)/gm)
        ?.map((name) => name.trim()) ?? [];
    expect(commands.filter((name) => name !== 'help')).toHaveLength(17);
    for (const name of commands) if (name !== 'help') expect(readme).toContain(`\`learngene ${name}`);
  });

  // An option that a command takes acts there: what only other commands use is refused.
  test.concurrent.each<[string, string[]]>([
    ['data list', ['--data', '--data-path', '--size', '--grid', '--columns', '--force', '--config', '--set']],
    [
      'data merge',
      ['--data', '--data-path', '--size', '--seed', '--by', '--most-leaves', '--pretrain', '--out', '--force'],
    ],
    ['data prepare', ['--data', '--data-path', '--size', '--out', '--classes', '--force', '--config', '--set']],
    ['train', ['--engine', '--seed', '--steps', '--batch-size', '--learning-rate', '--data', '--resume', '--dry-run']],
    [
      'transfer',
      ['--engine', '--seed', '--steps', '--batch-size', '--learning-rate', '--from', '--resume', '--domain'],
    ],
    ['sample', ['--engine', '--seed', '--steps', '--batch-size', '--from', '--out', '--npz', '--guidance', '--force']],
    ['evaluate', ['--engine', '--seed', '--data', '--data-path', '--size', '--from', '--samples', '--reference']],
    ['decompose', ['--engine', '--from', '--out', '--force']],
    ['assemble', ['--engine', '--from', '--out', '--classes', '--form', '--layout', '--macs', '--force']],
    ['export', ['--engine', '--class', '--classes', '--as', '--out', '--force']],
    ['bundle add', ['--engine', '--class', '--as', '--model', '--tailor-rank']],
    ['convert', ['--key', '--dtype', '--force']],
    ['inspect', ['--learngene-rank', '--input-size']],
    ['config', ['--of', '--json-schema', '--force']],
    ['report', ['--out', '--csv', '--tensorboard', '--watch', '--port', '--force']],
    ['doctor', ['--engine']],
    ['demo', ['--engine', '--seed', '--steps', '--data', '--out', '--novel', '--force', '--pixels', '--vae', '--set']],
    ['bench transfer', ['--engine', '--plan', '--out', '--jobs', '--only', '--report-only']],
  ])('%s has its options and examples', async (name, own) => {
    const { stdout } = await succeed(...name.split(' '), '--help');
    expect(stdout).toMatch(new RegExp(`Examples:\n {2}\\$ learngene ${name.split(' ')[0]}`));
    for (const option of [...own, '--json', '--quiet', '--debug']) expect(stdout).toContain(`  ${option}`);
    const [given] = stdout.split('\nExamples:');
    for (const option of ['--engine', '--seed', '--steps', '--batch-size', '--learning-rate']) {
      if (!own.includes(option)) expect(given).not.toContain(`  ${option} `);
    }
  });
});

describe('wrong usage exits with 2', () => {
  const out = join(folder, 'never');
  const train = (...more: string[]) => trainTiny(data, out, 1, ...more);
  test.concurrent.each<[string, string[], RegExp]>([
    ['an unknown command', ['trian'], /unknown command 'trian'\n\(Did you mean train\?\)/],
    [
      'an unknown flag',
      ['train', '--out', out, '--stepz', '4'],
      /unknown option '--stepz'\n\(Did you mean --steps\?\)/,
    ],
    [
      'an unknown flag where a required one is missing',
      ['train', '--dta', 'x'],
      /unknown option '--dta'\n\(Did you mean --data\?\)/,
    ],
    ['no --out', ['train', ...source], /required option '--out <folder>' not specified/],
    ['a wrong engine', ['doctor', '--engine', 'cuda'], /'cuda' is invalid. Allowed choices are auto, tfjs-node-gpu/],
    [
      'an engine that is not there',
      train('--engine', 'tfjs-node-gpu'),
      /--engine tfjs-node-gpu: .*Remedy: (node .*build\.mjs --gpu|install NVIDIA's driver|see nvidia-smi)/,
    ],
    [
      'a number that is none',
      train('--batch-size', 'many'),
      /--batch-size: expected a whole number of at least 1, got many/,
    ],
    ['an empty number', train('--seed', ''), /--seed: expected a whole number/],
    [
      'an unknown class',
      train('--classes', 'bars,hearts'),
      /classes.*: .*has no class "hearts"; it has "bars", "dots", "flat"/,
    ],
    [
      'an unknown novel class',
      train('--novel', 'hearts'),
      /data.novel.*: .* has no class "hearts"; it has "bars", "dots", "flat"/,
    ],
    ['a class twice', train('--classes', 'bars,bars'), /expected each class once, got "bars" twice/],
    [
      'a class on both sides',
      train('--classes', 'bars', '--novel', 'bars'),
      /"bars" cannot be both in classes and in novel/,
    ],
    ['no class left', train('--novel', 'bars,dots,flat'), /no class is left to pre-train on/],
    ['no class', train('--classes', ''), /expected at least one class, got none/],
    ['a key in the wrong place', train('--set', 'steps=4'), /unknown key steps; did you mean training.steps\?/],
    [
      'a misspelt key',
      train('--set', 'model.hidenSize=4'),
      /unknown key model.hidenSize; did you mean model.hiddenSize\?/,
    ],
    ['a wrong value', train('--set', 'training.steps=few'), /training.steps: .*expected (int|number)/],
    ['a prototype', train('--set', '__proto__.steps=1'), /unknown key __proto__/],
    [
      'patches that do not fit',
      train('--set', 'model.patchSize=3'),
      /model\.patchSize: images of 8 pixels .* expected a divisor of 8, got 3/,
    ],
    ['heads that do not fit', train('--set', 'model.heads=3'), /heads/],
    ['everything held out', train('--set', 'data.holdOut=1'), /data.holdOut: expected below 1, got 1/],
    ['a size that arrays do not have', train('--size', '16'), /these images are 8 pixels a side, got 16/],
    [
      'too many sampling steps',
      train('--set', 'diffusion.timesteps=3'),
      /sampling.steps: expected at most diffusion.timesteps, 3/,
    ],
    ['a config that is missing', train('--config', join(folder, 'none.json')), /none.json: cannot be read/],
    [
      'an autoencoder of a demo in pixels',
      ['demo', '--pixels', '--vae', folder, '--out', out],
      /--vae: a demo in pixels has no autoencoder; give --pixels or --vae/,
    ],
    [
      'data of a demo as a setting',
      ['demo', '--set', 'data.size=32', '--out', out],
      /--set data.size=32: demo reads model\.\* and diffusion\.\* and training\.\* and sampling\.\*/,
    ],
    [
      'a setting that a demo does not have',
      ['demo', '--set', 'training.stepz=3', '--out', out],
      /unknown key training.stepz; did you mean training.steps\?/,
    ],
    ['classes of a demo without data', ['demo', '--novel', 'heart', '--out', out], /--novel go with --data/],
    ['no data path', ['data', 'list', '--data', 'folder'], /--data-path: needed for --data folder/],
    [
      'no run to sample',
      ['sample', '--from', folder, '--out', `${out}.png`],
      /expected a run, a bundle, a demo or a dense model; this is a folder of none of these/,
    ],
    ['no run to resume', ['train', '--resume', '--out', folder], /not a run folder \(no config.json\)/],
    ['no base to transfer from', ['transfer', '--out', out], /--from: give the run or the bundle/],
    ['a preset that is none', ['inspect', 'DiT-L/3'], /no such file, run, bundle or preset; did you mean DiT-L\/2\?/],
    ['a preset in other case', ['inspect', 'dit-l/2'], /preset; did you mean DiT-L\/2\?/],
    ['a word near no preset', ['inspect', 'nothing'], /preset; presets are DiT-S\/2, /],
    ['a KIND preset without ranks', ['inspect', 'kind:DiT-L/2'], /needs --learngene-rank, --tailor-rank and --groups/],
    ['an unknown metric', ['evaluate', '--metrics', 'fud'], /--metrics: expected fid, .*, got fud/],
    ['nothing to evaluate', ['evaluate', '--engine', 'cpu'], /give --from .* or --samples/],
    [
      'a grid that is no PNG',
      ['sample', '--from', out, '--out', 'x.jpg'],
      /--out x.jpg: expected the ending .png, got .jpg/,
    ],
    [
      'samples that are no npz',
      ['sample', '--from', out, '--out', 'x.png', '--npz', 'x.npy'],
      /--npz x.npy: .*ending .npz/,
    ],
    [
      'a packed file of another format',
      ['data', 'prepare', ...source, '--out', 'x.npz'],
      /--out x.npz: .*ending .safetensors/,
    ],
    ['a grid without an ending', ['data', 'list', ...source, '--grid', 'grid'], /--grid grid: .*ending .png, got none/],
    [
      'another ending to convert to',
      ['convert', data, join(folder, 'x.pt')],
      /<to> .*: expected the ending .safetensors, got .pt/,
    ],
    ['a file that is there to convert to', ['convert', data, data], /<to> .*: exists already; give --force/],
    ['a file that is there', ['data', 'prepare', ...source, '--out', data], /exists already; give --force/],
    ['a file as a folder', ['sample', '--from', out, '--out', join(data, 'x.png')], /is a file, not a folder/],
    [
      'columns without a grid',
      ['data', 'list', ...source, '--columns', '3'],
      /--columns: has a part only where --grid/,
    ],
    ['training steps to list data', ['data', 'list', ...source, '--steps', '3'], /unknown option '--steps'/],
    [
      'training keys to list data',
      ['data', 'list', ...source, '--set', 'training.steps=3'],
      /--set training.steps=3: data list reads data/,
    ],
    ['training steps to evaluate', ['evaluate', '--from', out, '--steps', '3'], /unknown option '--steps'/],
    [
      'training keys to evaluate',
      ['evaluate', '--from', out, '--set', 'training.steps=3'],
      /evaluate reads data\.\* and sampling\.\*/,
    ],
    [
      'a count of samples from a file',
      ['evaluate', '--samples', data, '--count', '9'],
      /--count: has no part with --samples/,
    ],
    [
      'data beside a reference',
      ['evaluate', '--from', out, '--reference', data, ...source],
      /--data, --data-path: has no part with --reference/,
    ],
    ['both samples and a model', ['evaluate', '--from', out, '--samples', data], /give one of --from and --samples/],
    [
      'more columns than memory',
      ['data', 'list', ...source, '--grid', `${out}.png`, '--columns', '1e12'],
      /--columns: 3 rows of 1000000000000 need .* GiB in one piece/,
    ],
    [
      'a depth without end',
      train('--set', 'model.depth=2147483647', '--dry-run'),
      /depth: expected at most 4096, got 2147483647/,
    ],
    [
      'a classifier without end',
      ['evaluate', '--from', out, '--classifier-steps', '1e12'],
      /--classifier-steps: expected at most 10000000/,
    ],
    ['a run among other files', trainTiny(data, folder, 1), /--out .*: expected a new or empty folder, this one holds/],
    ['a run below a file', trainTiny(data, join(data, 'run'), 1), /is a file, not a folder/],
    ['a file as a run', trainTiny(data, data, 1), /--out .*images.safetensors: expected a new folder, this is a file/],
    [
      'a folder with the ending of a file',
      ['assemble', '--from', out, '--out', 'x.safetensors'],
      /--out x.safetensors: expected the name of a folder/,
    ],
    ['a seed for the doctor', ['doctor', '--seed', '1'], /unknown option '--seed'/],
    ['ranks of a plain preset', ['inspect', 'DiT-L/2', '--groups', '3'], /--groups: has a part only for kind:DiT-L\/2/],
    ['sizes of what is there', ['inspect', folder, '--input-size', '32'], /--input-size: has no part/],
    [
      'a layout of a factored model',
      ['assemble', '--from', out, '--out', 'x', '--layout', 'facebook'],
      /--layout: has a part only in --form dense/,
    ],
    [
      'a held rate of a new run',
      ['train', '--out', 'x', '--data', 'emoji', '--hold'],
      /--hold: has a part only with --resume/,
    ],
    [
      'a report of nothing new',
      ['bench', 'transfer', '--report-only', '--jobs', '2', '--out', out],
      /--jobs: has no part in --report-only/,
    ],
    [
      'a plan shown into a folder',
      ['bench', 'transfer', '--smoke', '--show-plan', '--out', out],
      /--out: has no part in --show-plan/,
    ],
    [
      'a budget of a dense model',
      ['assemble', '--from', folder, '--out', out, '--form', 'dense', '--macs', '9'],
      /budgets are for --form factored/,
    ],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).not.toMatch(/^ {4}at /m);
  });
});

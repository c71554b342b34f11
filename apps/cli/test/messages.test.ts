import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bin, json, run, start, startProgram, succeed, trainTiny, windows, writeImages } from './run';
import { imagesFolder } from './tiny-files';

const { folder, data, damaged, source } = imagesFolder();

describe('with --json an error is a document too', () => {
  test.concurrent.each<[string, string[], number, { name: string; message: RegExp }]>([
    [
      'of the command line',
      ['train', '--out', folder, '--stepz', '4'],
      2,
      { name: 'UsageError', message: /^unknown option '--stepz'/ },
    ],
    [
      'of a value',
      trainTiny(data, join(folder, 'never'), 1, '--novel', 'x'),
      2,
      { name: 'UsageError', message: /data\.novel.*: .* has no class "x"/ },
    ],
    ['of a file', ['inspect', damaged], 1, { name: 'TensorFileError', message: /damaged.safetensors/ }],
  ])('%s', async (_, args, exitCode, { name, message }) => {
    const { code, stdout, stderr } = await run(...args, '--json');
    expect(code).toBe(exitCode);
    expect(JSON.parse(stdout)).toEqual({ error: { name, message: expect.stringMatching(message), exitCode } });
    expect(stderr).toMatch(message.source.startsWith('^') ? new RegExp(message.source.slice(1)) : message);
  });
});

describe('what cannot be read or written exits with 1 and one line', () => {
  const train = (path: string, ...more: string[]) => trainTiny(path, join(folder, 'never'), 1, '--quiet', ...more);
  test.concurrent.each<[string, () => string[], RegExp]>([
    [
      'a file of rubbish',
      () => {
        const path = join(folder, 'rubbish.safetensors');
        writeFileSync(path, 'rubbish '.repeat(9));
        return train(path);
      },
      /rubbish.safetensors: /,
    ],
    [
      'a folder of nothing',
      () => {
        const path = join(folder, 'empty');
        mkdirSync(join(path, 'class'), { recursive: true });
        return ['data', 'list', '--data', 'folder', '--data-path', path];
      },
      /expected images, got none in the classes "class"/,
    ],
    [
      'an image that is none',
      () => {
        const path = join(folder, 'broken');
        mkdirSync(join(path, 'class'), { recursive: true });
        writeFileSync(join(path, 'class', 'a.png'), 'no image');
        return ['data', 'list', '--data', 'folder', '--data-path', path, '--quiet'];
      },
      /a.png: .*; --set data.onCorrupt=skip leaves such images out/,
    ],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await run(...args());
    expect(stderr).toMatch(message);
    expect([code, stdout, stderr.trim().split('\n').length]).toEqual([1, '', 1]);
  });

  test('--debug shows the stack', async () => {
    const { stderr } = await run(...train(folder, '--debug'));
    expect(stderr).toMatch(/^ {4}at /m);
  });
});

describe('data', () => {
  test('list and prepare, and what was prepared reads back', async () => {
    const grid = join(folder, 'deep', 'grid.png');
    const listed = await json('data', 'list', ...source, '--grid', grid);
    expect(listed).toMatchObject({ size: 36, shape: [8, 8, 3], classes: { bars: 12, dots: 12, flat: 12 } });
    expect(readFileSync(grid).subarray(1, 4).toString()).toBe('PNG');
    const packed = join(folder, 'packed', 'two.safetensors');
    const prepared = await json('data', 'prepare', ...source, '--classes', '["flat","bars"]', '--out', packed);
    expect(prepared).toEqual({ file: packed, size: 24, classes: ['flat', 'bars'] });
    const again = await json('data', 'list', '--data', 'packed', '--data-path', packed);
    expect(again).toMatchObject({ size: 24, classes: { flat: 12, bars: 12 } });
  });

  test('one image, grey, smaller than a batch', async () => {
    const one = join(folder, 'one.safetensors');
    await writeImages(one, { perClass: 1, channels: 1 });
    const out = join(folder, 'one');
    const { stdout, stderr } = await succeed(
      ...trainTiny(one, out, 2, '--set', 'training.batchSize=64', '--set', 'training.sampleEvery=2'),
      '--json',
    );
    expect(JSON.parse(stdout)).toMatchObject({ steps: 2 });
    expect(stderr).toContain('training.batchSize: 64 is more than there are images; a step takes all 3');
  });

  test('a name with a comma', async () => {
    const path = join(folder, 'comma.json');
    writeFileSync(path, JSON.stringify({ 'bars, dots': ['bars', 'dots'], flat: ['flat'] }));
    const merged = ['--set', `data.superclasses=${path}`];
    expect(await json('data', 'list', ...source, ...merged)).toMatchObject({ classes: { 'bars, dots': 24, flat: 12 } });
    const dry = await json(
      ...trainTiny(data, join(folder, 'never'), 1, ...merged, '--classes', '["bars, dots"]', '--dry-run'),
    );
    expect(dry).toMatchObject({ config: { data: { classes: ['bars, dots'] } } });
    const single = await json(
      ...trainTiny(
        data,
        join(folder, 'never'),
        1,
        ...merged,
        '--class',
        'bars, dots',
        '--novel-class',
        'flat',
        '--dry-run',
      ),
    );
    expect(single).toMatchObject({ config: { data: { classes: ['bars, dots'], novel: ['flat'] } } });
    const packed = join(folder, 'comma.safetensors');
    const prepared = await json('data', 'prepare', ...source, ...merged, '--class', 'bars, dots', '--out', packed);
    expect(prepared).toMatchObject({ classes: ['bars, dots'] });
    const split = await run(...trainTiny(data, join(folder, 'never'), 1, ...merged, '--classes', 'bars, dots'));
    expect([split.code, split.stderr]).toEqual([
      2,
      expect.stringMatching(/no class "bars"; it has "bars, dots", "flat".* given one by one, by --class/),
    ]);
  });
});

test.skipIf(windows)('a reader that stops reading is no error', async () => {
  const command = `"${process.execPath}" "${bin}" inspect DiT-L/2 | head -n 1; exit "\${PIPESTATUS[0]}"`;
  const { code, stderr } = await startProgram('bash', ['-c', command]).finished;
  expect([code, stderr]).toEqual([0, '']);
});

test('an engine file that was named is not passed over', async () => {
  const env = { LEARNGENE_NATIVE_PATH: join(folder, 'none.node') };
  const args = trainTiny(data, join(folder, 'never'), 1, '--engine', 'auto');
  const { code, stderr } = await start(args, { env }).finished;
  expect([code, stderr]).toEqual([2, expect.stringMatching(/LEARNGENE_NATIVE_PATH: .*none.node/)]);
});

test('doctor looks at one engine', async () => {
  const { engines } = await json<{ engines: { name: string }[] }>('doctor', '--engine', 'cpu');
  expect(engines.map(({ name }) => name)).toEqual(['cpu']);
});

test('doctor names all engines, each with its speed or its remedy', async () => {
  const { engines, machine } = await json<{
    engines: { name: string; loads: boolean; gemmGflops?: number; remedy?: string }[];
    machine: { node: string };
  }>('doctor');
  expect(machine.node).toBe(process.version);
  expect(engines.map(({ name }) => name)).toEqual(['tfjs-node-gpu', 'webgpu', 'native', 'tfjs-node', 'wasm', 'cpu']);
  for (const { loads, gemmGflops, remedy } of engines) {
    if (loads) expect(gemmGflops).toBeGreaterThan(0.01);
    else expect(remedy).toMatch(/\w+ \w+/);
  }
  expect(engines.at(-1)?.loads).toBe(true);
});

test('the configuration of the README is accepted', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const config = JSON.parse(/```json\n([\s\S]*?)```/.exec(readme)?.[1] ?? '');
  const path = join(folder, 'readme.json');
  writeFileSync(path, JSON.stringify({ ...config, data: { ...config.data, size: undefined, novel: ['flat'] } }));
  const dry = await json(
    'train',
    '--config',
    path,
    ...source,
    '--classes',
    'bars',
    '--dry-run',
    '--out',
    join(folder, 'never'),
  );
  expect(dry).toMatchObject({
    config: { model: config.model, training: config.training, data: { source: 'packed', classes: ['bars'] } },
  });
});

describe('what a command says', () => {
  const train = trainTiny(data, join(folder, 'said'), 2);
  test('one line names the engine; tfjs praises no other', async () => {
    const { stderr } = await succeed(...train);
    expect(stderr.match(/^Engine: cpu \(plain JavaScript, 1 thread\)$/gm)).toHaveLength(1);
    expect(stderr).not.toMatch(/TensorFlow|looks like|node backend/i);
  });
  test('nothing stands before an error', async () => {
    const { stderr } = await run('sample', '--from', join(folder, 'none'), '--out', join(folder, 'x.png'));
    expect(stderr).toMatch(/^error /);
  });
});

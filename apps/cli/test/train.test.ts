import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  bin,
  checkpoints,
  fingerprint,
  json,
  run,
  start,
  startProgram,
  succeed,
  trainTiny,
  until,
  windows,
  writeImages,
} from './run';

const folder = temporaryFolder('cli');
const data = join(folder, 'images.safetensors');
const unbroken = join(folder, 'unbroken');
const steps = 20;
const resume = (out: string) => ['train', '--out', out, '--resume', '--engine', 'cpu'];

/** A run that stopped after ten steps, as a kill leaves it: the record asks for twenty. */
function stopped(name: string): string {
  const out = join(folder, name);
  cpSync(unbroken, out, { recursive: true });
  for (const step of readdirSync(join(out, 'checkpoints'))) expect(step).toMatch(/^step-(15|20)$/);
  return out;
}

beforeAll(async () => {
  await writeImages(data);
  await succeed(...trainTiny(data, unbroken, steps, '--set', 'training.sampleEvery=10', '--quiet'));
});

describe('a run folder', () => {
  test('is complete: record, metrics, the newest checkpoints, samples, report', () => {
    const record = JSON.parse(readFileSync(join(unbroken, 'config.json'), 'utf8'));
    expect(record).toMatchObject({ format: 2, command: 'train', engine: 'cpu', config: { seed: 0 } });
    expect(record.config.data.classes).toEqual(['bars', 'dots', 'flat']);
    expect(record.versions.node).toBe(process.version);
    const lines = readFileSync(join(unbroken, 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ step }) => step)).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
    // Two steps of warm-up, then the rate of the config; a mean squared error of unit noise, at first about 1.
    for (const { step, learningRate } of lines) expect([step, learningRate]).toEqual([step, 1e-3]);
    expect(Math.abs(lines[0].loss - 1)).toBeLessThan(0.5);
    for (const { loss, gradientNorm } of lines) {
      expect(loss).toBeGreaterThan(0);
      expect(loss).toBeLessThan(2);
      expect(gradientNorm).toBeGreaterThan(0);
    }
    expect(checkpoints(unbroken)).toEqual(['step-15', 'step-20']);
    expect(readdirSync(join(unbroken, 'checkpoints/step-20')).sort()).toEqual([
      'ema.safetensors',
      'optimizer.safetensors',
      'params.safetensors',
      'state.json',
    ]);
    expect(readdirSync(join(unbroken, 'samples')).sort()).toEqual(['step-10.png', 'step-20.png']);
    const report = readFileSync(join(unbroken, 'report.html'), 'utf8');
    expect(report).toContain('Training loss');
    expect(report).not.toMatch(/(src|href)="(?!data:)/);
  });

  test('memory is steady: no tensor is left behind', () => {
    const lines = readFileSync(join(unbroken, 'metrics.jsonl'), 'utf8').trim().split('\n');
    expect(new Set(lines.map((line) => JSON.parse(line).tensors)).size).toBe(1);
  });

  test('resumed after its end changes nothing', async () => {
    const before = fingerprint(unbroken, steps);
    const result = await json(...resume(unbroken));
    expect(result).toMatchObject({ run: unbroken, steps, last: { step: steps } });
    expect(fingerprint(unbroken, steps)).toEqual(before);
  });

  test('is not overwritten', async () => {
    const { code, stderr } = await run(...trainTiny(data, unbroken, steps));
    expect([code, stderr]).toEqual([2, expect.stringContaining('there is a run already; continue it with --resume')]);
  });

  test('resumed with other settings is refused, by their names', async () => {
    const { stderr } = await run(...resume(unbroken), '--steps', '30', '--classes', 'bars', '--seed', '3');
    expect(stderr).toMatch(/seed: the run has \d+, got 3; data.classes: the run has \[.*\], got \["bars"\]/);
    for (const [wrong, message] of [
      [['--steps', '3'], `--steps: expected more than the ${steps}`],
      [['--hold'], '--hold: has a part only with more steps'],
    ] as const)
      expect((await run(...resume(unbroken), ...wrong)).stderr).toContain(message);
  });

  test('resumed with the command that started it changes nothing', async () => {
    const before = fingerprint(unbroken, steps);
    await succeed(...trainTiny(data, unbroken, steps, '--set', 'training.sampleEvery=10'), '--resume', '--quiet');
    expect(fingerprint(unbroken, steps)).toEqual(before);
  });
});

describe('interrupted', () => {
  test('a resume from a middle checkpoint gives the bits of the unbroken run, log included', async () => {
    const out = stopped('middle');
    rmSync(join(out, 'checkpoints/step-20'), { recursive: true });
    writeFileSync(join(out, 'checkpoints', '.step-20.0123456789abcdef.tmp'), 'left over');
    await succeed(...resume(out), '--quiet');
    expect(fingerprint(out, steps)).toEqual(fingerprint(unbroken, steps));
    expect(checkpoints(out)).toEqual(['step-15', 'step-20']);
    const stepsOf = (path: string) =>
      readFileSync(join(path, 'metrics.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => {
          const { step, loss, gradientNorm } = JSON.parse(line);
          return { step, loss, gradientNorm };
        });
    expect(stepsOf(out)).toEqual(stepsOf(unbroken));
  });

  test('a run of format 1, whose fields have their old names, goes on to the same bits', async () => {
    const out = stopped('format 1');
    rmSync(join(out, 'checkpoints/step-20'), { recursive: true });
    const path = join(out, 'config.json');
    const record = JSON.parse(readFileSync(path, 'utf8'));
    const { factorLearningRateScale: factorRate, clipNorm: gradientClip, ...training } = record.config.training;
    const { prediction, ...diffusion } = record.config.diffusion;
    const { variant: flavour, ...model } = record.config.model;
    const names = {
      training: { ...training, factorRate, gradientClip },
      diffusion: { ...diffusion, predict: prediction === 'x0' ? 'start' : prediction },
      model: { ...model, flavour },
    };
    const old = { ...record, format: 1, config: { ...record.config, ...names } };
    writeFileSync(path, JSON.stringify(old));
    await succeed(...resume(out), '--quiet');
    expect(fingerprint(out, steps)).toEqual(fingerprint(unbroken, steps));
  });

  test.skipIf(windows)(
    'Ctrl-C writes a checkpoint, exits with 130, and the resumed run has the same bits',
    async () => {
      const out = join(folder, 'interrupted');
      const { child, finished } = start(trainTiny(data, out, steps, '--set', 'training.checkpointEvery=1', '--quiet'));
      await until(() => checkpoints(out).some((name) => name.startsWith('step-')));
      child.kill('SIGINT');
      const { code, stderr } = await finished;
      expect(code).toBe(130);
      const step = Number(/interrupted after step (\d+); a checkpoint was written/.exec(stderr)?.[1]);
      expect(step).toBeLessThan(steps);
      expect(checkpoints(out)).toContain(`step-${step}`);
      await succeed(...resume(out), '--quiet');
      const { files: _, ...state } = fingerprint(out, steps);
      expect(fingerprint(unbroken, steps)).toMatchObject(state);
    },
  );

  test.skipIf(windows)('Ctrl-C is heard between two checkpoints', async () => {
    const out = join(folder, 'heard');
    const { child, finished } = start(
      trainTiny(data, out, 100_000, '--set', 'training.checkpointEvery=100000', '--quiet'),
    );
    const log = join(out, 'metrics.jsonl');
    await until(() => existsSync(log) && readFileSync(log).length > 0);
    child.kill('SIGINT');
    const { code, stderr } = await finished;
    expect(code).toBe(130);
    const step = /interrupted after step (\d+)/.exec(stderr)?.[1];
    expect(checkpoints(out)).toEqual([`step-${step}`]);
  });

  test('killed three times, it resumes to the same bits', async () => {
    const out = join(folder, 'killed');
    for (const wanted of [1, 2, 3]) {
      const before = checkpoints(out).at(-1);
      const { child, finished } = start(
        existsSync(join(out, 'config.json')) ? resume(out) : trainTiny(data, out, steps),
      );
      await until(() => checkpoints(out).some((name) => name.startsWith('step-') && name !== before));
      await new Promise((resolve) => setTimeout(resolve, 37 * wanted));
      child.kill('SIGKILL');
      expect(['SIGKILL', null]).toContain((await finished).signal);
      if (checkpoints(out).includes(`step-${steps}`)) break;
    }
    await succeed(...resume(out), '--quiet');
    expect(fingerprint(out, steps)).toEqual(fingerprint(unbroken, steps));
  });
});

describe('failing', () => {
  test('a loss that is not finite stops with the step and the last good checkpoint, which stays', async () => {
    const out = join(folder, 'nan');
    const wild = ['--learning-rate', '1e30', '--set', 'training.warmup=0', '--set', 'training.checkpointEvery=1'];
    const { code, stderr } = await run(...trainTiny(data, out, steps, ...wild, '--quiet'));
    expect(code).toBe(1);
    const [, step, good] = /the loss is .* at step (\d+); the last good checkpoint is step (\d+)/.exec(stderr) ?? [];
    expect(Number(good)).toBe(Number(step) - 1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(checkpoints(out).at(-1)).toBe(`step-${good}`);
    expect(Object.keys(fingerprint(out, Number(good)))).toContain('ema');
  });

  test.skipIf(windows)('a full disk stops with one line, and the last checkpoint stays', async () => {
    const out = stopped('full');
    rmSync(join(out, 'checkpoints/step-20'), { recursive: true });
    const before = fingerprint(out, 15);
    const command = `ulimit -f 8; exec "${process.execPath}" "${bin}" ${resume(out).join(' ')} --quiet`;
    const { code, stderr } = await startProgram('bash', ['-c', command]).finished;
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/^error .*(safetensors|step-20).*EFBIG/);
    expect(checkpoints(out)).toEqual(['step-15']);
    expect(fingerprint(out, 15)).toEqual(before);
    await succeed(...resume(out), '--quiet');
    expect(fingerprint(out, steps)).toEqual(fingerprint(unbroken, steps));
  });

  test.concurrent.each<[string, string, (path: string) => void, RegExp]>([
    [
      'a truncated tensor file',
      'params.safetensors',
      (path) => truncateSync(path, 1000),
      /params\.safetensors: its checksum/,
    ],
    ['a missing tensor file', 'ema.safetensors', (path) => writeFileSync(path, ''), /ema\.safetensors: its checksum/],
    [
      'an edited state',
      'state.json',
      (path) => writeFileSync(path, readFileSync(path, 'utf8').replace('"epoch":', '"epoch":1')),
      /state\.json: its checksum/,
    ],
    ['a state that is not JSON', 'state.json', (path) => truncateSync(path, 40), /state\.json: cannot be read/],
    [
      'a state of nothing',
      'state.json',
      (path) => writeFileSync(path, '{"format":1,"files":null,"state":null}'),
      /state\.json: expected a checkpoint of format 1 or 2/,
    ],
  ])('%s is refused with one line', async (name, file, damage, message) => {
    const out = stopped(`damaged ${name}`);
    damage(join(out, 'checkpoints/step-20', file));
    const { code, stderr } = await run(...resume(out), '--quiet');
    expect([code, stderr.trim().split('\n').length]).toEqual([1, 1]);
    expect(stderr).toMatch(message);
  });

  test.concurrent.each<[string, (record: Record<string, never>) => unknown, RegExp]>([
    ['another format', (record) => ({ ...record, format: 3 }), /expected a run record of format 1 or 2/],
    [
      'a deeper model',
      (record: { model?: { dit: object } }) => ({
        ...record,
        model: { ...record.model, dit: { ...record.model?.dit, depth: 3 } },
      }),
      /expected \d+ parameters as the model of config.json has, got \d+/,
    ],
    [
      'other classes',
      (record: { config?: { data: object } }) => ({
        ...record,
        config: { ...record.config, data: { ...record.config?.data, classes: ['bars', 'flat'] } },
      }),
      /the model has the classes "bars", "dots", "flat", got "bars", "flat"/,
    ],
    [
      'an unknown key',
      (record: { config?: object }) => ({ ...record, config: { ...record.config, modle: {} } }),
      /unknown key modle; did you mean model\?/,
    ],
    ['null', () => null, /expected a run record of format 1/],
  ])('a config.json with %s is refused', async (name, edit, message) => {
    const out = stopped(`edited ${name}`);
    const path = join(out, 'config.json');
    writeFileSync(path, JSON.stringify(edit(JSON.parse(readFileSync(path, 'utf8')))));
    const { code, stderr } = await run(...resume(out), '--quiet');
    expect(stderr).toMatch(message);
    expect([1, 2]).toContain(code);
    expect(stderr).not.toContain('    at ');
  });

  test('data that changed is noticed', async () => {
    const own = join(folder, 'own.safetensors');
    await writeImages(own);
    const out = join(folder, 'changed');
    await succeed(...trainTiny(own, out, 1, '--quiet'));
    await writeImages(own, { perClass: 9 });
    const { code, stderr } = await run(...resume(out), '--quiet');
    expect([code, stderr]).toEqual([2, expect.stringContaining('"bars" has 9 images, had 12')]);
    const { images: _, ...older } = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'));
    writeFileSync(join(out, 'config.json'), JSON.stringify(older)); // of an older version: the state of the batches tells
    const late = await run(...resume(out), '--quiet');
    expect([late.code, late.stderr]).toEqual([1, expect.stringContaining('state.size')]);
    await writeImages(own, { size: 12 });
    const other = await run(...resume(out), '--quiet');
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('the model takes 8x8x3, got 12x12x3')]);
  });
});

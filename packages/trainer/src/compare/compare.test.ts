import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ditConfig } from '@learngene/dit';
import { kindConfig } from '@learngene/kind';
import { parseConfig } from '@learngene/pipeline';
import { type KindRunRecord, RUN_FORMAT } from '@learngene/pipeline/node';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { describe, expect, test } from 'vitest';
import { REALS_FILE } from '../reports/sample-progress';
import { createRunFolder } from '../run-folder/create-run';
import type { MetricsLine } from '../run-folder/metrics-log';
import { writeGrid } from '../run-folder/write-grid';
import { csvOfRuns, timesOf } from './export-runs';
import { openRuns } from './open-run';
import { reportRuns } from './report-runs';
import { watchRuns } from './watch-runs';

const folder = temporaryFolder('compare');
const needEngine = () => expect.fail('no model is read');
const dit = ditConfig({ inputSize: 4, patchSize: 2, inChannels: 3, hiddenSize: 8, depth: 1, heads: 2, classes: 2 });
const model = kindConfig({
  ...{ dit, learngeneRank: 2, tailorRank: 1 },
  groups: ['owl', 'a <fox>'].map((name, id) => ({ name, classes: [id] })),
});

function lineOf(step: number, more: Partial<MetricsLine> = {}): MetricsLine {
  const machine = { stepsPerSecond: 2, imagesPerSecond: 16, rssMiB: 100, tensors: 9 };
  return { step, loss: 1 / step, gradientNorm: 0.5, learningRate: 1e-3, ...machine, ...more };
}

/** A run folder as a training leaves it, without weights. */
async function runAt(name: string, lines: readonly MetricsLine[], training: object = {}): Promise<string> {
  const run = join(folder, name);
  const config = parseConfig({ training: { steps: 40, ...training } }, 'test');
  const record: KindRunRecord = {
    ...{ format: RUN_FORMAT, command: 'train', kind: 'kind', config, model, engine: 'native', versions: {} },
  };
  await createRunFolder(run, record);
  writeFileSync(join(run, 'metrics.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const images = { data: new Uint8Array(16 * 48), count: 16, height: 4, width: 4, channels: 3 };
  for (const step of [10, 20]) await writeGrid(join(run, 'samples', `step-${step}.png`), images, 8);
  await writeGrid(join(run, REALS_FILE), images, 8);
  return run;
}

/** A promise of the place of a page, and what keeps it. */
function placeOfPage() {
  let resolve = (_: string) => {};
  const promise = new Promise<string>((keep) => {
    resolve = keep;
  });
  return { promise, resolve };
}

const scores = { fid: 30, noiseFid: 100, trainFid: 9 };
const lines = [
  lineOf(10, { time: 1000.5, lossByQuarter: [0.1, null, 0.3, 0.4], lossByClass: { 'a <fox>': 0.25, owl: 0.5 } }),
  lineOf(20, { time: 1005, validationLoss: 0.75, validationLossByQuarter: [1, 2, 3, 4], ...scores }),
];

describe('reports of runs', async () => {
  const a = await runAt('a', lines);
  const b = await runAt('b', [lineOf(10), lineOf(20, { validationLoss: 0.5 })], { learningRate: 0.005 });

  test('one run: its report, with a sentence on its FID and the samples beside real pictures', async () => {
    const page = join(a, 'report.html');
    expect(await reportRuns([a], { page, needEngine })).toEqual({ runs: [a], files: [page] });
    const text = readFileSync(page, 'utf8');
    expect(text).toContain(
      'FID 30: noise in the place of the samples has 100, training images have 9, 77 % of the way from noise to real pictures.',
    );
    expect(text).toContain('Step 20 of 40: loss 0.05.');
    const header = '<th scope="col">class</th><th scope="col">step 10</th><th scope="col">step 20</th>';
    expect(text).toContain(`${header}<th scope="col">real pictures</th>`);
    for (const title of ['Training and validation loss', 'Learning rate', 'Speed', 'Training loss by class']) {
      expect(text).toContain(`aria-label="${title}"`);
    }
    expect(text).toContain('alt="a &lt;fox&gt;, step 20"');
    expect(text).not.toContain('<fox>');
  });

  test('several runs: figures, curves, samples and what is different', async () => {
    const page = join(folder, 'runs.html');
    await reportRuns([a, b], { page, needEngine });
    const text = readFileSync(page, 'utf8');
    expect(text).toContain('<th scope="row">training.learningRate</th><td>0.001</td><td>0.005</td>');
    expect(text).toContain('<td>0.75 at step 20</td><td class="strong">0.5 at step 20</td>');
    expect(text).toContain('<th scope="row">lowest FID</th><td>30 at step 20</td><td></td>');
    expect(text).toContain('alt="owl, b, step 20"');
    expect(text).toContain('alt="owl, real pictures"');
    const curves = JSON.parse((/<metadata class="values">([^<]*)/.exec(text)?.[1] ?? '').replaceAll('&quot;', '"')) as {
      lines: [string, string, number[], number[]][];
    };
    expect(curves.lines.map(([name, , xs, ys]) => [name, xs, ys])).toEqual([
      ['a', [10, 20], [0.1, 0.05]],
      ['b', [10, 20], [0.1, 0.05]],
    ]);
  });

  test('a table with a column for each measurement of any run, all digits kept', async () => {
    const [header, ...rows] = csvOfRuns(await openRuns([a, b]))
      .trimEnd()
      .split('\r\n')
      .map((row) => row.split(','));
    const column = (name: string) => rows.map((row) => row[header.indexOf(name)]);
    expect(header.slice(0, 4)).toEqual(['run', 'step', 'time', 'loss']);
    expect(column('run')).toEqual([a, a, b, b]);
    expect(column('time').slice(0, 2)).toEqual(['1000.5', '1005']);
    expect(column('lossByQuarter/1')).toEqual(['0.1', '', '', '']);
    expect(header).not.toContain('lossByQuarter/2'); // null in the only line that has it
    expect(column('lossByClass/a <fox>')).toEqual(['0.25', '', '', '']);
    expect(column('validationLoss')).toEqual(['', '0.75', '', '0.5']);
    expect(column('validationLossByQuarter/4')).toEqual(['', '4', '', '']);
  });

  test('event files for TensorBoard, a folder a run; they are replaced where that is allowed', async () => {
    const tensorboard = join(folder, 'logs');
    const { files } = await reportRuns([a, b], { tensorboard, needEngine });
    expect(files[0]).toBe(join(tensorboard, 'a', 'events.out.tfevents.1000.learngene'));
    expect(readdirSync(tensorboard).sort()).toEqual(['a', 'b']);
    expect(readFileSync(files[0], 'latin1')).toContain('validationLossByQuarter/4');
    await expect(reportRuns([a], { tensorboard, needEngine })).rejects.toThrow('holds event files already');
    writeFileSync(join(tensorboard, 'a', 'events.out.tfevents.1.learngene'), '');
    await reportRuns([a], { tensorboard, force: true, needEngine });
    expect(readdirSync(join(tensorboard, 'a'))).toEqual(['events.out.tfevents.1000.learngene']);
  });

  test('lines of older versions have the times that their speed gives', () => {
    const old = [lineOf(10), lineOf(30), lineOf(40, { stepsPerSecond: 5 })];
    expect(timesOf({ lines: old, written: 500 })).toEqual([488, 498, 500]);
  });

  test('what is no run, a run twice and no run are refused', async () => {
    await expect(openRuns([])).rejects.toThrow('runs: expected at least one run folder, got none');
    await expect(openRuns([a, `${a}/`])).rejects.toThrow(`expected each run once, got ${a}/ twice`);
    await expect(openRuns([folder])).rejects.toThrow('not a run folder');
  });

  test('runs of the same name go by their paths', async () => {
    const other = await runAt('deeper/a', lines);
    expect((await openRuns([a, b, other])).map(({ name }) => name)).toEqual([a, 'b', other]);
  });

  describe('a page that is served while a run trains', () => {
    test('is on 127.0.0.1 alone, and changes with the log', async () => {
      const run = await runAt('served', lines.slice(0, 1));
      const controller = new AbortController();
      const { signal } = controller;
      const listening = placeOfPage();
      const done = watchRuns([run], { signal, onListening: listening.resolve });
      const url = await listening.promise;
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
      const get = async (path: string, headers = {}) => {
        const response = await fetch(new URL(path, url), { headers });
        return { status: response.status, text: await response.text() };
      };
      const [version, page] = [(await get('/version')).text, (await get('/')).text];
      expect(page).toContain('Step 10 of 40');
      expect(page).toContain("fetch('/version')");
      expect((await get('/version')).text).toBe(version);
      writeFileSync(join(run, 'metrics.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      expect((await get('/version')).text).not.toBe(version);
      expect((await get('/')).text).toContain('Step 20 of 40');
      expect(await get('/config.json')).toEqual({ status: 404, text: 'nothing here' });
      expect((await fetch(url, { method: 'POST' })).status).toBe(405);
      expect(existsSync(join(run, 'report.html'))).toBe(false);
      controller.abort();
      await done;
      await expect(fetch(url)).rejects.toThrow();
    });
  });
});

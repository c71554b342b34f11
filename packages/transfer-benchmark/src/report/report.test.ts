import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tinyPlan } from '@learngene/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { syntheticExtras, syntheticTrial, syntheticTrials, writeSyntheticResults } from '../../test/synthetic-results';
import type { BaseJob } from '../jobs/job';
import { resolveJobs } from '../jobs/resolve-jobs';
import { hasResult } from '../jobs/select-jobs';
import { type BenchmarkPlanInput, parsePlan } from '../plan/benchmark-plan';
import type { TrialResult } from '../plan/result';
import { replaceResults, writeTransferReport } from './report';
import type { TransferSummary } from './summary-types';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function writeResults(trials: readonly TrialResult[], files: Record<string, string> = {}) {
  const folder = await writeSyntheticResults(trials, files);
  folders.push(folder);
  return folder;
}

const command = 'learngene bench transfer --plan synthetic.json';
const evil = '<img src=x onerror=alert(1)>';

test('three tasks are put together as well, and fewer are not', async () => {
  const write = async (tasks: string[]) => {
    const folder = await writeResults(syntheticTrials(tasks, [0, 1]));
    const { summary } = await writeTransferReport(folder, { command });
    return { summary, page: readFileSync(join(folder, 'report.html'), 'utf8') };
  };
  const three = await write(['tops', 'shoes', 'bags']);
  expect(three.page).toContain('Against KIND over 3 tasks');
  expect(three.summary.taskComparison?.rows).toHaveLength(11);
  const two = await write(['tops', 'shoes']);
  expect(two.page).not.toContain('Against KIND over');
  expect(two.summary.taskComparison).toBeUndefined();
});

describe('a finished benchmark', () => {
  const seeds = [0, 1, 2];
  const model = { ...tinyPlan('x').model, learngeneRank: 40, tailorRank: 8 };
  const plan = { ...tinyPlan('x'), name: 'synthetic', model, seeds };
  const base = [...resolveJobs(parsePlan(plan, 'plan')).values()].find(({ kind }) => kind === 'base') as BaseJob;
  let folder: string;
  let docs: string;
  let summary: TransferSummary;
  beforeAll(async () => {
    folder = await writeResults([...syntheticTrials(['tops', 'shoes'], seeds), ...syntheticExtras('tops', seeds)], {
      'plan.json': JSON.stringify(plan),
      'versions.json': JSON.stringify({ node: '20', packages: { '@learngene/kind': '0.0.0' } }),
      'spectra.json': JSON.stringify({
        [base.key]: { learngenes: [3, 2, 1], tailors: { Coat: [2, 1, null] } },
      }),
      'trials/broken/result.json': '{"trial": 1',
      'trials/failed/error.json': JSON.stringify({
        trial: 'failed',
        task: 'tops',
        method: 'oft',
        seed: 2,
        message: evil,
      }),
    });
    docs = join(folder, 'docs');
    ({ summary } = await writeTransferReport(folder, { docs, command }));
  });

  test('the page has every part and needs no network', () => {
    const page = readFileSync(join(folder, 'report.html'), 'utf8');
    for (const text of [
      'Equal trainable parameters: mean over 2 tasks (fashion, 100 images a class, 300 steps)',
      'Equal MACs at inference',
      'Convergence',
      'Samples: tops',
      'Guidance',
      'Ablations of KIND',
      'KIND, soft gate',
      'Deployment within a budget',
      'Deployment within a budget: figures',
      'Spectra of learngenes and tailors',
      'pre-trained KIND, tiny',
      'Cost',
      'learngene bench transfer --plan synthetic.json',
      '@learngene/kind',
      'trials/broken/result.json',
    ]) {
      expect(page).toContain(text);
    }
    expect(page).not.toContain(evil);
    expect(page).not.toMatch(/(src|href)="(?!data:|#)/);
    expect(page).not.toMatch(/undefined|NaN/);
  });

  test('the summary says what the trials say', () => {
    expect(summary.done).toBe(2 * 12 * 3 + 3 * 10);
    expect(summary.failed.map(({ trial }) => trial)).toEqual(['failed']);
    expect(summary.isoParameters.map(({ conditions }) => conditions.length)).toEqual([2, 1, 1]);
    const rows = Object.fromEntries(summary.isoParameters[0].rows.map((row) => [row.method, row]));
    expect(rows.scratch.against.fid).toMatchObject({ verdict: 'worse', pairs: 6 });
    expect(rows['low-rank+tailors'].against.fid?.verdict).toBe('equal');
    expect(rows.kind.against).toEqual({});
    expect(summary.standings[0]).toMatchObject({ metric: 'fid', of: 12 });
    expect(summary.standings[0].worse).toContain('full');
    expect(summary.isoMacs[0].rows.map(({ method }) => method)).toEqual(['kind', 'lora']);
    expect(summary.ablations[0].rows[1].against.fid?.pairs).toBe(3);
    expect(summary.budgets[0].lines[0].points.map(({ macs }) => macs)).toEqual([2e6, 4e6, 8e6, 16e6]);
    expect(JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'))).toEqual(JSON.parse(JSON.stringify(summary)));
  });

  test('the document shows files that are there, and keeps what was written around it', async () => {
    const path = join(docs, 'synthetic.md');
    const first = readFileSync(path, 'utf8');
    const links = [...first.matchAll(/\]\((synthetic\/[^)]+)\)/g)].map(([, link]) => link);
    expect(links.length).toBeGreaterThan(20);
    for (const link of links) expect(existsSync(join(dirname(path), link)), link).toBe(true);
    expect(first).not.toContain(evil);
    const { document } = await writeTransferReport(folder, { docs, command });
    expect(readFileSync(document as string, 'utf8')).toBe(first);
  });
});

describe('a benchmark that is half done', () => {
  test('one seed: no interval, and the report says so', async () => {
    const folder = await writeResults(syntheticTrials(['tops'], [0]));
    const { summary, report } = await writeTransferReport(folder);
    expect(summary.isoParameters).toHaveLength(1);
    const [first] = summary.isoParameters[0].rows.filter(({ method }) => method === 'full');
    expect(first.metrics.fid.deviation).toBeNull();
    expect(first.against.fid).toMatchObject({ pairs: 1, interval: null, verdict: 'unknown' });
    expect(readFileSync(report, 'utf8')).toContain('One seed');
  });

  test('trials that are missing are counted, means are over complete seeds', async () => {
    const all = syntheticTrials(['tops', 'shoes'], [0, 1]);
    const trials = all.filter(({ method, task, seed }) => !(method === 'lora' && task === 'shoes' && seed === 1));
    const { summary } = await writeTransferReport(await writeResults(trials));
    const [pooled] = summary.isoParameters;
    expect(pooled.missing).toEqual([{ method: 'lora', task: 'shoes', seed: 1 }]);
    const lora = pooled.rows.find(({ method }) => method === 'lora');
    expect(lora?.metrics.fid.count).toBe(1);
    expect(lora?.against.fid?.pairs).toBe(3);
  });

  test('the jobs of the plan tell how many trials are open, those within a budget too', async () => {
    const input: BenchmarkPlanInput = {
      ...tinyPlan('x'),
      seeds: [0, 1],
      budgets: { fractions: [0.5], smallWidths: [] },
      sweeps: [
        { table: 'iso-parameters', tasks: ['tiny'], methods: ['kind', 'lora'] },
        { table: 'budget', tasks: ['tiny'], methods: ['bundle-cut'] },
      ],
    };
    const jobs = [...resolveJobs(parsePlan(input, 'plan')).values()].filter(hasResult);
    expect(jobs).toHaveLength(6);
    const trials = [syntheticTrial({ trial: jobs[0].key, method: 'kind', task: 'tiny', seed: 0, fid: 15 })];
    const error = { trial: jobs[5].key, task: 'tiny', method: 'bundle-cut', seed: 1, message: 'no luck' };
    const { summary } = await writeTransferReport(
      await writeResults(trials, {
        'plan.json': JSON.stringify(input),
        [`trials/${jobs[5].key}/error.json`]: JSON.stringify(error),
      }),
    );
    expect(summary.open).toBe(4);
  });

  test('a plan that cannot be read is named', async () => {
    const { summary } = await writeTransferReport(await writeResults([], { 'plan.json': '{"colour": 1}' }));
    expect(summary.open).toBeNull();
    expect(summary.unreadable).toEqual([{ file: 'plan.json', reason: expect.stringContaining('colour') }]);
  });

  test('runs that diverged are counted and not averaged', async () => {
    const trials = syntheticTrials(['tops'], [0, 1, 2]).map((trial) =>
      trial.method === 'pissa' && trial.seed === 1
        ? { ...trial, evaluations: trial.evaluations.map((one) => ({ ...one, fid: Number.NaN })) }
        : trial,
    );
    const folder = await writeResults(trials);
    const { summary, report } = await writeTransferReport(folder);
    const pissa = summary.isoParameters[0].rows.find(({ method }) => method === 'pissa');
    expect(pissa?.metrics.fid).toMatchObject({ count: 2, notFinite: 1 });
    expect(pissa?.against.fid?.pairs).toBe(2);
    expect(readFileSync(report, 'utf8')).toContain('(1 diverged)');
  });

  test.each<[string, TrialResult[]]>([
    ['nothing', []],
    ['no KIND', syntheticTrials(['tops'], [0, 1]).filter(({ method }) => method !== 'kind')],
    ['KIND alone', syntheticTrials(['tops'], [0, 1]).filter(({ method }) => method === 'kind')],
  ])('%s', async (_, trials) => {
    const { report } = await writeTransferReport(await writeResults(trials));
    expect(readFileSync(report, 'utf8')).not.toMatch(/undefined|NaN|Infinity/);
  });

  test('a folder that is not there', async () => {
    await expect(writeTransferReport('/nowhere/at/all')).rejects.toThrow('got /nowhere/at/all');
  });
});

test('replaceResults', () => {
  const document = '# Mine\n\n<!-- results -->\nold\n<!-- /results -->\n\nbelow\n';
  expect(replaceResults(document, 'new', 'x')).toBe('# Mine\n\n<!-- results -->\nnew\n<!-- /results -->\n\nbelow\n');
  expect(() => replaceResults('# Mine', 'new', 'x')).toThrow('expected the marks');
});

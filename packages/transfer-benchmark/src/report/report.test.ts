import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CellResult } from '../plan/result';
import { madeUpCell, madeUpCells, madeUpExtras, writeMadeUpGrid } from './made-up-grid';
import { replaceResults, writeTransferReport } from './report';
import type { TransferSummary } from './summary-types';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function grid(cells: readonly CellResult[], files: Record<string, string> = {}) {
  const folder = await writeMadeUpGrid(cells, files);
  folders.push(folder);
  return folder;
}

const command = 'learngene bench transfer --plan made-up.json';
const evil = '<img src=x onerror=alert(1)>';

test('three tasks are put together as well, and fewer are not', async () => {
  const write = async (tasks: string[]) => {
    const folder = await grid(madeUpCells(tasks, [0, 1]));
    const { summary } = await writeTransferReport(folder, { command });
    return { summary, page: readFileSync(join(folder, 'report.html'), 'utf8') };
  };
  const three = await write(['tops', 'shoes', 'bags']);
  expect(three.page).toContain('Against KIND over 3 tasks');
  expect(three.summary.overTasks?.rows).toHaveLength(11);
  const two = await write(['tops', 'shoes']);
  expect(two.page).not.toContain('Against KIND over');
  expect(two.summary.overTasks).toBeUndefined();
});

describe('a whole grid', () => {
  const seeds = [0, 1, 2];
  let folder: string;
  let docs: string;
  let summary: TransferSummary;
  beforeAll(async () => {
    folder = await grid([...madeUpCells(['tops', 'shoes'], seeds), ...madeUpExtras('tops', seeds)], {
      'plan.json': JSON.stringify({ name: 'made-up', seeds }),
      'versions.json': JSON.stringify({ node: '20', packages: { '@learngene/kind': '0.0.0' } }),
      'spectra.json': JSON.stringify({
        'fashion-kind-40-8-s0-1a2b3c4d': { learngenes: [3, 2, 1], tailors: { Coat: [2, 1, null] } },
      }),
      'cells/broken/result.json': '{"cell": 1',
      'cells/failed/error.json': JSON.stringify({
        cell: 'failed',
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
      'Cost',
      'learngene bench transfer --plan made-up.json',
      '@learngene/kind',
      'cells/broken/result.json',
    ]) {
      expect(page).toContain(text);
    }
    expect(page).not.toContain(evil);
    expect(page).not.toMatch(/(src|href)="(?!data:|#)/);
    expect(page).not.toMatch(/undefined|NaN/);
  });

  test('the summary says what the cells say', () => {
    expect(summary.done).toBe(2 * 12 * 3 + 3 * 10);
    expect(summary.failed.map(({ cell }) => cell)).toEqual(['failed']);
    expect(summary.parameters.map(({ conditions }) => conditions.length)).toEqual([2, 1, 1]);
    const rows = Object.fromEntries(summary.parameters[0].rows.map((row) => [row.method, row]));
    expect(rows.scratch.against.fid).toMatchObject({ verdict: 'worse', pairs: 6 });
    expect(rows['low-rank+tailors'].against.fid?.verdict).toBe('equal');
    expect(rows.kind.against).toEqual({});
    expect(summary.standings[0]).toMatchObject({ metric: 'fid', of: 12 });
    expect(summary.standings[0].worse).toContain('full');
    expect(summary.macs[0].rows.map(({ method }) => method)).toEqual(['kind', 'lora']);
    expect(summary.ablations[0].rows[1].against.fid?.pairs).toBe(3);
    expect(summary.budgets[0].lines[0].points.map(({ macs }) => macs)).toEqual([2e6, 4e6, 8e6, 16e6]);
    expect(JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'))).toEqual(JSON.parse(JSON.stringify(summary)));
  });

  test('the document shows files that are there, and keeps what was written around it', async () => {
    const path = join(docs, 'made-up.md');
    const first = readFileSync(path, 'utf8');
    const links = [...first.matchAll(/\]\((made-up\/[^)]+)\)/g)].map(([, link]) => link);
    expect(links.length).toBeGreaterThan(20);
    for (const link of links) expect(existsSync(join(dirname(path), link)), link).toBe(true);
    expect(first).not.toContain(evil);
    const { document } = await writeTransferReport(folder, { docs, command });
    expect(readFileSync(document as string, 'utf8')).toBe(first);
  });
});

describe('a grid that is half done', () => {
  test('one seed: no interval, and the report says so', async () => {
    const folder = await grid(madeUpCells(['tops'], [0]));
    const { summary, report } = await writeTransferReport(folder);
    expect(summary.parameters).toHaveLength(1);
    const [first] = summary.parameters[0].rows.filter(({ method }) => method === 'full');
    expect(first.metrics.fid.deviation).toBeNull();
    expect(first.against.fid).toMatchObject({ pairs: 1, interval: null, verdict: 'unknown' });
    expect(readFileSync(report, 'utf8')).toContain('One seed');
  });

  test('cells that are missing are counted, means are over complete seeds', async () => {
    const all = madeUpCells(['tops', 'shoes'], [0, 1]);
    const cells = all.filter(({ method, task, seed }) => !(method === 'lora' && task === 'shoes' && seed === 1));
    const { summary } = await writeTransferReport(await grid(cells));
    const [pooled] = summary.parameters;
    expect(pooled.missing).toEqual([{ method: 'lora', task: 'shoes', seed: 1 }]);
    const lora = pooled.rows.find(({ method }) => method === 'lora');
    expect(lora?.metrics.fid.count).toBe(1);
    expect(lora?.against.fid?.pairs).toBe(3);
  });

  test('the plan tells how many cells are open', async () => {
    const plan = {
      name: 'x',
      seeds: [0, 1],
      grids: [{ table: 'parameters', tasks: ['tops'], methods: ['kind', 'lora'], imagesPerClass: [100], steps: [300] }],
    };
    const cells = [madeUpCell({ method: 'kind', task: 'tops', seed: 0, fid: 15 })];
    const { summary } = await writeTransferReport(await grid(cells, { 'plan.json': JSON.stringify(plan) }));
    expect(summary.open).toBe(3);
  });

  test('runs that diverged are counted and not averaged', async () => {
    const cells = madeUpCells(['tops'], [0, 1, 2]).map((cell) =>
      cell.method === 'pissa' && cell.seed === 1
        ? { ...cell, evaluations: cell.evaluations.map((one) => ({ ...one, fid: Number.NaN })) }
        : cell,
    );
    const folder = await grid(cells);
    const { summary, report } = await writeTransferReport(folder);
    const pissa = summary.parameters[0].rows.find(({ method }) => method === 'pissa');
    expect(pissa?.metrics.fid).toMatchObject({ count: 2, notFinite: 1 });
    expect(pissa?.against.fid?.pairs).toBe(2);
    expect(readFileSync(report, 'utf8')).toContain('(1 diverged)');
  });

  test.each<[string, CellResult[]]>([
    ['nothing', []],
    ['no KIND', madeUpCells(['tops'], [0, 1]).filter(({ method }) => method !== 'kind')],
    ['KIND alone', madeUpCells(['tops'], [0, 1]).filter(({ method }) => method === 'kind')],
  ])('%s', async (_, cells) => {
    const { report } = await writeTransferReport(await grid(cells));
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

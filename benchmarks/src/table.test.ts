import { expect, it as test } from 'vitest';
import { mergeResults, mergeRows, type ResultHeader, type ResultRow } from './result';
import { formatAmount, formatRatio, markdownHeader, markdownTables, notedRows, overall } from './table';

function row(fields: Partial<ResultRow>): ResultRow {
  const times = { oursMs: 10, oursBestMs: 9, peerMs: 20, peerBestMs: 18, ratio: 2, bestRatio: 2 };
  const rest = { section: 'Training' as const, peer: 'torch', note: '', engine: 'native', at: '2026-01-01T00:00:00Z' };
  return { name: 'step', ...times, ...rest, ...fields };
}

test('amounts have three digits and a fitting unit', () => {
  expect([0.0123, 1, 45.678, 789.1, 1234, 123456].map((ms) => formatAmount(ms))).toEqual([
    '12.3 µs',
    '1.00 ms',
    '45.7 ms',
    '789 ms',
    '1.23 s',
    '123 s',
  ]);
  expect(formatAmount(612.4, 'MiB')).toBe('612 MiB');
});

test('a ratio shows its goal, and whether it was met', () => {
  expect(formatRatio(row({ ratio: 1.5 }))).toBe('1.50x');
  expect(formatRatio(row({ ratio: 1.5, goal: 1.35 }))).toBe('**1.50x** (goal 1.35)');
  expect(formatRatio(row({ ratio: 1.2, goal: 1.35 }))).toBe('1.20x (goal 1.35, missed)');
  expect(formatRatio(row({ ratio: null }))).toBe('');
});

test('tables come by section in their order, with the mean of the products', () => {
  const rows = [
    row({ section: 'Matrix products', name: 'a', ratio: 2 }),
    row({ section: 'Matrix products', name: 'b', ratio: 0.5 }),
    row({ section: 'Matrix products', name: 'b bf16', ratio: 3 }),
    row({}),
  ];
  const text = markdownTables(rows);
  expect(text.indexOf('### Training')).toBeLessThan(text.indexOf('### Matrix products'));
  expect(text).toContain('| step | 10.0 ms / 9.00 ms | torch | 20.0 ms / 18.0 ms | 2.00x | 2.00x |  |');
  expect(text).toContain('f32: geometric mean 1.00x, least 0.50x.');
  expect(text).toContain('bf16: geometric mean 3.00x, least 3.00x.');
});

test('a row that counts its operations shows its rate beside that of a product', () => {
  const text = markdownTables([row({ note: 'batch 48', rate: 110.4, productRate: 200 }), row({ rate: 110.4 })]);
  expect(text).toContain('| batch 48; 110 GFLOP/s, 0.55 of one large product in the same run (200) |');
  expect(text).toContain('| 2.00x |  |');
  const goals = markdownTables([row({ rate: 110.4, rateGoal: 110, productRate: 200, shareGoal: 0.9 })]);
  expect(goals).toContain(
    '110 GFLOP/s (goal 110), 0.55 (goal 0.90, missed) of one large product in the same run (200)',
  );
});

test('a row without a peer has no ratio', () => {
  const alone = row({ peer: null, peerMs: null, peerBestMs: null, ratio: null, bestRatio: null });
  expect(markdownTables([alone])).toContain('| step | 10.0 ms / 9.00 ms |  |  |  |  |  |');
  expect(overall([alone])).toBeUndefined();
});

test('merging replaces rows of the same name, peer and engine, and keeps the place of the others', () => {
  const old = [row({ name: 'a' }), row({ name: 'b' }), row({ name: 'b', peer: 'compiled' })];
  const fresh = [row({ name: 'c' }), row({ name: 'b', oursMs: 1 })];
  expect(mergeRows(old, fresh).map(({ name, peer, oursMs }) => [name, peer, oursMs])).toEqual([
    ['a', 'torch', 10],
    ['b', 'torch', 1],
    ['b', 'compiled', 10],
    ['c', 'torch', 10],
  ]);
});

test('rows that stay from an earlier run say when and on what processor they were measured', () => {
  const header = (cpu: string, date: string): ResultHeader => ({
    machine: { cpu, cores: 2, memoryGiB: 8, system: 'linux' },
    threads: 2,
    engine: { name: 'native', detail: '' },
    versions: {},
    commit: 'abc',
    date,
    quick: false,
  });
  const first = { header: header('Old', '2026-01-01T01:00:00Z'), rows: [row({ name: 'a' }), row({ name: 'b' })] };
  const later = { at: '2026-01-02T00:00:00Z' };
  const second = mergeResults(first, {
    header: header('New', '2026-01-02T01:00:00Z'),
    rows: [row({ name: 'b', ...later })],
  });
  expect(notedRows(second).map(({ name, note }) => [name, note])).toEqual([
    ['a', 'measured 2026-01-01 on Old'],
    ['b', ''],
  ]);
  expect(markdownHeader(second)).toContain('Machine: New, 2 cores');
  expect(markdownHeader(second)).toContain(
    '1 of 2 rows are from an earlier run, 2026-01-01 at commit abc:\nMachine: Old',
  );
  const third = mergeResults(second, {
    header: header('New', '2026-01-03T01:00:00Z'),
    rows: [row({ name: 'a', at: '2026-01-03T00:00:00Z', note: 'x' })],
  });
  expect(third.earlier?.map(({ date }) => date)).toEqual(['2026-01-02T01:00:00Z']);
  expect(markdownHeader(third)).toContain(
    '1 of 2 rows are from an earlier run, 2026-01-02 at commit abc, on the same machine with the same versions.',
  );
  expect(notedRows(third).map(({ name, note }) => [name, note])).toEqual([
    ['a', 'x'],
    ['b', 'measured 2026-01-02'],
  ]);
  expect(mergeResults(undefined, first)).toBe(first);
});

// A KIND bundle on a server, opened, sampled, assembled and taught by a page on each engine of the browser.
import { afterEach, beforeAll, expect, it as test } from 'vitest';
import { bundlePage } from '../src/bundle-page';
import { differences, type Numbers } from '../src/compare';
import { runInPage } from '../src/run-in-page';
import type { Server } from '../src/serve';
import { type Bundle, makeBundle, serveBundle } from '../src/served-bundle';

/** Largest difference to cpu, relative to the largest magnitude of a result; sums of another order make 4e-7. */
const TOLERANCE = 1e-5;

/** Bytes that httpSource asks for at first. */
const FIRST = 65_536;

let bundle: Bundle;
let page: string;
let server: Server;
let cpu: Numbers | undefined;

beforeAll(async () => {
  bundle = await makeBundle([
    { name: 'cats', classes: [3, 0] },
    { name: 'dogs', classes: [1] },
    { name: 'foxes', classes: [4] },
    { name: 'owls', classes: [2] },
  ]);
  page = await bundlePage(new URL('kind.page.ts', import.meta.url));
});

afterEach(() => server?.close());

/** Chromium's remark on a read-back while the GPU works; it costs time only. */
const READ_BACK = /GL Driver Message \(OpenGL, Performance, .*GPU stall due to ReadPixels/;

/** The numbers of the page on an engine, from a server of its own. */
async function numbersOn(engine: string, seconds: number): Promise<Numbers> {
  server = await serveBundle(page, bundle);
  return runInPage<Numbers>(`${server.origin}/`, [engine, `${server.origin}/bundle`], {
    seconds,
    harmless: [READ_BACK],
  });
}

/** The ranges of the bundle's files that were fetched: first byte and the byte after the last one. */
function fetchedRanges(): Record<string, [number, number][]> {
  const ranges: Record<string, [number, number][]> = {};
  for (const { path, status, start, end } of server.requests.filter((request) => request.path.startsWith('/bundle/'))) {
    expect(status).toBe(206);
    (ranges[path.slice('/bundle/'.length)] ??= []).push([start, end]);
  }
  return ranges;
}

/** The two tailors and what all classes share, each byte once; of another group one tensor behind its file's header. */
function expectedRanges(): Record<string, [number, number][]> {
  const size = (file: string) => bundle.get(file)!.length;
  const whole = (file: string): [number, number][] => {
    const bytes = size(file);
    return bytes > FIRST
      ? [
          [0, FIRST],
          [FIRST, bytes],
        ]
      : [[0, bytes]];
  };
  const files = ['kind.json', 'learngenes', 'shared', 'tailors/cats', 'tailors/owls'];
  const names = files.map((name) => (name.endsWith('.json') ? name : `${name}.safetensors`));
  const foxes = 'tailors/foxes.safetensors';
  const rows = 4 * 48; // bytes of [1, 48] floats, the last tensor of the file
  return {
    ...Object.fromEntries(names.map((name) => [name, whole(name)])),
    [foxes]: [
      [0, FIRST],
      [size(foxes) - rows, size(foxes)],
    ],
  };
}

test('computes on cpu, and fetches no more than it needs', { timeout: 90_000 }, async () => {
  cpu = await numbersOn('cpu', 80);
  expect(fetchedRanges()).toEqual(expectedRanges());
  const { losses, samples, 'gradient norms': norms, 'tensors left': left } = cpu;
  expect(new Set([...losses, ...norms]).size).toBe(6);
  expect(Math.min(...norms)).toBeGreaterThan(0);
  expect(samples).toHaveLength(4 * 8 * 8 * 3); // the classes of two groups, and none
  const [parameters] = cpu['assembled parameters and MACs'];
  expect(parameters).toBeLessThanOrEqual(56_000); // the page's budget, well filled
  expect(parameters).toBeGreaterThan(55_000);
  expect(left).toEqual([0]);
});

test.each([
  ['wasm', 60],
  ['webgl', 120],
  ['webgpu', 240],
])('gives the numbers of cpu on %s', { timeout: 250_000 }, async (engine, seconds) => {
  if (!cpu) throw new Error('there are no numbers of cpu to compare with');
  const numbers = await numbersOn(engine, seconds);
  for (const line of differences(numbers, cpu, TOLERANCE)) expect.soft(line, `${engine} against cpu`).toBe('');
  expect(fetchedRanges()).toEqual(expectedRanges());
});

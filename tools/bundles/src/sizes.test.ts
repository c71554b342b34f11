import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it as test } from 'vitest';
import { sizeFaults, wantedChecks } from './check-sizes.mjs';
import { browserEntries } from './project.mjs';
import { bundledBytes, unshakable } from './sizes.mjs';

const folder = mkdtempSync(join(tmpdir(), 'learngene-sizes-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, source: string): string {
  const file = join(folder, name);
  writeFileSync(file, source);
  return file;
}

describe('browserEntries', () => {
  test('has every entry but those for Node', () => {
    const names = browserEntries().map(({ name }) => name);
    expect(names).toContain('@learngene/nn');
    expect(names).toContain('@learngene/nn/wasm');
    expect(names.filter((name) => /\/node$|native|testing|package\.json/.test(name))).toEqual([]);
  });
});

describe('unshakable', () => {
  test('is nothing for declarations, whatever they would do when called', async () => {
    const source = `
      import * as tf from '@tensorflow/tfjs-core';
      const names: Map<string, number> = new Map();
      const table = /* @__PURE__ */ Object.fromEntries([['a', 1]]);
      export class Failure extends Error {}
      export const count = () => names.set('a', table.a + tf.memory().numTensors);`;
    expect(await unshakable(write('declarations.ts', source))).toBe('');
  });

  test('is what a module does at its top, under sideEffects: false too, in what it imports too', async () => {
    writeFileSync(join(folder, 'package.json'), '{ "sideEffects": false }');
    write('effect.ts', "globalThis.registered = ['gradient'];\nexport const one = 1;");
    expect(await unshakable(write('outer.ts', "export { one } from './effect';"))).toContain('gradient');
  });
});

describe('bundledBytes', () => {
  test('counts what is used and leaves out tfjs and what is not', async () => {
    write('many.js', `export const small = 1;\nexport const large = '${'x'.repeat(5000)}';`);
    expect(await bundledBytes("export { small } from './many.js';", folder)).toBeLessThan(100);
    expect(await bundledBytes("export * from './many.js';", folder)).toBeGreaterThan(5000);
    expect(await bundledBytes("export * from '@tensorflow/tfjs-core';", folder)).toBeLessThan(100);
  });

  test('counts what is loaded at the start, in several files too, and not what is loaded on demand', async () => {
    write('shared.js', `export const shared = '${'y'.repeat(3000)}';`);
    write('late.js', `export { shared } from './shared.js'; export const late = '${'x'.repeat(5000)}';`);
    const load = "export const load = () => import('./late.js');";
    expect(await bundledBytes(load, folder)).toBeLessThan(200);
    const both = await bundledBytes(`${load} export { shared } from './shared.js';`, folder);
    expect(both).toBeGreaterThan(3000);
    expect(both).toBeLessThan(3500);
  });
});

describe('sizeFaults', () => {
  test('names what is above its budget, without one, or gone', () => {
    const rows = [
      { what: 'all of a', size: 10, most: 10 },
      { what: 'f of a', size: 10.2, most: 10 },
      { what: 'all of b', size: 1, most: undefined },
      { what: 'g of a', error: 'no path', most: 10 },
    ];
    expect(sizeFaults(rows, { a: 10, c: 5 })).toEqual([
      'f of a: 10.2 kB, expected at most 10 kB',
      'all of b: 1.0 kB, expected a budget in tools/bundles/src/budgets.mjs',
      'g of a: no path',
      'c: has a budget, but is no entry for browsers',
    ]);
  });
});

test.each([
  [[], { budgets: true, bundlers: true }],
  [['--sizes'], { budgets: true, bundlers: false }],
  [['--sizes', '--print'], { budgets: false, bundlers: false }],
  [['--print'], undefined],
  [['--sizes', '--prin'], undefined],
])('the arguments %j of the check', (args, expected) => {
  expect(wantedChecks(args)).toEqual(expected);
});

test('a build prints sizes and holds no budget: budgets are those of check alone', () => {
  const script = readFileSync(new URL('../../../scripts/run.mjs', import.meta.url), 'utf8');
  const calls = [...script.matchAll(/'bundles', 'check\.mjs'\)((?:, '[^']*')*)\]/g)].map(([, args]) => args);
  expect(calls).toEqual(['', ", '--sizes', '--print'"]);
});

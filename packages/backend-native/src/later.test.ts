import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Later } from './later';
import { loadNative, type NativeAddon } from './native';

const sources = join(import.meta.dirname, '../crates/node/src');

/** The functions that the macro around a place of a source makes. */
function madeByMacro(text: string, index: number): string[] {
  const macro = [...text.slice(0, index).matchAll(/macro_rules! (\w+)/g)].at(-1)?.[1];
  const block = text.match(new RegExp(`^${macro}! \\{([\\s\\S]*?)^\\}`, 'm'))?.[1] ?? '';
  return [...block.matchAll(/^ {4}(\w+) /gm)].map((match) => match[1]);
}

/** The names of all functions of the addon, and whether their bodies hand the computation to `later`. */
function functionsOfTheSources(): Map<string, boolean> {
  const found = new Map<string, boolean>();
  for (const file of readdirSync(sources).filter((name) => name !== 'later.rs')) {
    const text = readFileSync(join(sources, file), 'utf8');
    const plain = text.matchAll(/#\[napi\]\s*pub fn (\w+)\(([\s\S]*?)\n\}\n/g);
    const inMacros = text.matchAll(/#\[napi\]\s*pub fn (\$name)\(([\s\S]*?)\n {12}\}\n/g);
    for (const { 1: rust, 2: body, index } of [...plain, ...inMacros]) {
      const isLater = /\b(later|over_pair|over_three)\(/.test(body);
      const names = rust === '$name' ? madeByMacro(text, index) : [rust];
      for (const name of names)
        found.set(
          name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()),
          isLater,
        );
    }
  }
  return found;
}

test('the addon names exactly the functions that return early', () => {
  const later = [...functionsOfTheSources()].filter(([, isLater]) => isLater).map(([name]) => name);
  expect(later.length).toBeGreaterThan(20);
  expect(later.sort()).toEqual(loadNative().laterFunctions().sort());
});

/** An addon that writes down what is called. */
function recorder(calls: string[]): NativeAddon {
  return {
    computeLater: () => {
      calls.push('computeLater');
      return new Uint8Array(1);
    },
    laterFunctions: () => ['gemm'],
    promptFunctions: () => ['threadCount'],
    finish: () => calls.push('finish'),
    gemm: () => calls.push('gemm'),
    svd: () => calls.push('svd'),
    threadCount: () => calls.push('threadCount'),
  } as unknown as NativeAddon;
}

test('other functions wait for those that return early, and functions of numbers do not', () => {
  const calls: string[] = [];
  const later = new Later(recorder(calls));
  const addon = later.addon as unknown as Record<string, () => void>;
  addon.svd();
  addon.gemm();
  addon.threadCount();
  addon.gemm();
  addon.svd();
  later.finish();
  addon.gemm();
  later.finish();
  const expected = ['computeLater', 'svd', 'gemm', 'threadCount', 'gemm', 'finish', 'svd', 'gemm', 'finish'];
  expect(calls).toEqual(expected);
});

test('so many calls are not begun that their arrays fill the memory', () => {
  const calls: string[] = [];
  const { addon } = new Later(recorder(calls));
  for (let i = 0; i < 10_000; i++) (addon as unknown as Record<string, () => void>).gemm();
  expect(calls.filter((name) => name === 'finish')).toHaveLength(2);
});

test('a failure is thrown once, and then all goes on', () => {
  let failures = 1;
  const raw = recorder([]);
  const later = new Later({
    ...raw,
    finish: () => {
      if (failures-- > 0) throw new Error('once');
    },
  });
  (later.addon as unknown as Record<string, () => void>).gemm();
  expect(() => later.finish()).toThrow('once');
  expect(() => later.finish()).not.toThrow();
});

test('arrays of what is not computed live on', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const later = new Later(loadNative());
  const [n, count] = [600, 8];
  const results = Array.from({ length: count }, () => new Float32Array(n * n));
  for (const c of results) {
    // the factors are nobody's as soon as the call has returned
    later.addon.gemm(n, n, n, 0, new Float32Array(n * n).fill(1), new Float32Array(n * n).fill(1), c, undefined, 0);
  }
  collect();
  for (let i = 0; i < 2 * count; i++) new Float32Array(n * n).fill(7);
  later.finish();
  for (const c of results) expect(new Set(c)).toEqual(new Set([n]));
});

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ABI, loadNative } from './native';

const folder = join(import.meta.dirname, 'addon');

/** What the calls of the addon look like at a version; a comment or a line break does not count. */
const CALLS = { version: 4, sha256: 'e862e6d729785e14057937aabfd4c5eabf7d7be9ecb5cd3008ef381ed4d536b1' };

function declarations(): string {
  const sources = readdirSync(folder).sort();
  const text = sources.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '').replace(/\s+/g, ' ');
}

test('whoever changes a call of the addon raises its version, so that an older addon is refused and not misread', () => {
  const sha256 = createHash('sha256').update(declarations()).digest('hex');
  expect({ version: ABI, sha256 }, 'after a change: raise ABI here and abi_version in Rust').toEqual(CALLS);
});

test('the addon says the same version', () => {
  expect(loadNative().abiVersion()).toBe(ABI);
});

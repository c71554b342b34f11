import { expect, test } from 'vitest';
import { optionNames } from './option-names.mjs';
import { manifest, withWorkspace } from './workspace-of.mjs';

const hole = `$${'{1}'}`;
const files = {
  'packages/a/package.json': manifest('a'),
  'packages/a/src/message.ts': "throw new Error('resume it by --resume');",
  'packages/a/src/template.ts': ['const x = 1;', 'const text = `a', `--data-path ${hole}: not there\`;`].join('\n'),
  'packages/a/src/tail.ts': `const text = \`${hole} (--set a=b)\`;`,
  'packages/a/src/entry.ts': "spawn('node', ['--import']);",
  'packages/a/src/fine.ts': [
    '// --a-comment',
    '/** Names `--no-option`. */',
    "export const fine = ['a--b', '-- ', '--', '---x', '--X', 'var(--ink)'.length];",
  ].join('\n'),
  'packages/a/src/message.test.ts': "expect('--data');",
  'packages/a/test/other.ts': "run('--data');",
  'apps/cli/src/main.ts': "option('--data');",
};

test('a package says no option in a text, and an entry that is not needed is told', () => {
  withWorkspace(files, (workspace: never) => {
    expect(optionNames(workspace, {})).toEqual([
      'packages/a/src/entry.ts:1 says --import: options belong to apps/cli',
      'packages/a/src/fine.ts:3 says --ink: options belong to apps/cli',
      'packages/a/src/message.ts:1 says --resume: options belong to apps/cli',
      'packages/a/src/tail.ts:1 says --set: options belong to apps/cli',
      'packages/a/src/template.ts:3 says --data-path: options belong to apps/cli',
    ]);
    const allowed = { 'packages/a/src/entry.ts': 'options of node', 'packages/a/src/gone.ts': 'none' };
    expect(optionNames(workspace, allowed).filter((text: string) => /entry|gone/.test(text))).toEqual([
      'packages/a/src/gone.ts: says no option and need not be listed in option-names.mjs',
    ]);
  });
});

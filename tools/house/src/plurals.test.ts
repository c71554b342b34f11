import { expect, test } from 'vitest';
import { plurals } from './plurals.mjs';
import { manifest, withWorkspace } from './workspace-of.mjs';

const hole = (text: string) => `$${`{${text}}`}`;
const files = {
  'packages/pipeline/package.json': manifest('pipeline'),
  'packages/pipeline/src/said.ts': `const x = 1;\nconst text = \`${hole('list.length')} images of ${hole('n')} classes\`;`,
  'packages/pipeline/src/fine.ts': [
    `throw new Error(\`expected ${hole('n')} images\`);`,
    `const most = \`at most ${hole('MOST')} images\`;`,
    `const image = \`${hole("counted(n, 'image')")} of ${hole('n')} pixels\`;`,
    `const speed = \`${hole('(1 / seconds).toPrecision(2)')} steps a second\`;`,
    `const name = \`${hole('n')} imagesque\`;`,
  ].join('\n'),
  'packages/pipeline/src/said.test.ts': `const text = \`${hole('n')} images\`;`,
  'packages/other/src/said.ts': `const text = \`${hole('n')} images\`;`,
  'apps/cli/src/main.ts': `print(\`${hole('done')} steps\`);`,
};

test('a number with a plural is found where people read it', () => {
  withWorkspace(files, (workspace: never) => {
    expect(plurals(workspace).map((text: string) => text.replace(/: counted.*/, ''))).toEqual([
      `apps/cli/src/main.ts:1 says ${hole('done')} steps`,
      `packages/pipeline/src/said.ts:2 says ${hole('list.length')} images`,
      `packages/pipeline/src/said.ts:2 says ${hole('n')} classes`,
    ]);
  });
});

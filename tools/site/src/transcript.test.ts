import { describe, expect, test } from 'vitest';
import { asShown, photoFolders, pictures, sameOutput, sessions, withOutputs } from './transcript.mjs';

const PAGE = `# Page
\`\`\`console
$ learngene doctor
yes cpu 3 GFLOP/s
$ cat a \\
  b
\`\`\`
text
\`\`\`console fails
$ learngene none
error unknown command
\`\`\`
<!-- from: out/both.png -->
![both](assets/both.png)
`;

test('the commands of a page in order, with what they print', () => {
  expect(sessions(PAGE)).toEqual([
    { line: 'learngene doctor', expected: 'yes cpu 3 GFLOP/s', fails: false, varies: false },
    { line: 'cat a \\\n  b', expected: '', fails: false, varies: false },
    { line: 'learngene none', expected: 'error unknown command', fails: true, varies: false },
  ]);
  expect(() => sessions('```console\nno command\n```')).toThrow('expected a line with $');
});

test('new outputs take the place of the old ones, and nothing else changes', () => {
  const written = withOutputs(PAGE, ['yes cpu 4 GFLOP/s', 'a\nb', 'error']);
  expect(sessions(written).map(({ expected }) => expected)).toEqual(['yes cpu 4 GFLOP/s', 'a\nb', 'error']);
  expect(withOutputs(written, ['yes cpu 3 GFLOP/s', '', 'error unknown command'])).toBe(PAGE);
});

test('folders of images', () => {
  const comment = '<!-- photos: photos owl=animal-bird cat=cat-face -->';
  expect(photoFolders(comment)).toEqual([{ folder: 'photos', classes: { owl: 'animal-bird', cat: 'cat-face' } }]);
});

test('the pictures that a session writes', () => {
  expect(pictures(PAGE)).toEqual([{ from: 'out/both.png', to: 'assets/both.png' }]);
});

describe('what a page shows', () => {
  test('of the lines of a progress the last stays', () => {
    const lines = ['start', 'Training: 1/9 steps', 'Training: 5/9 steps, loss 3', 'Training: 9/9 steps, loss 2', 'end'];
    expect(asShown(lines.join('\n'))).toBe('start\nTraining: 9/9 steps, loss 2\nend');
    expect(asShown('Training: 1/9 steps\nAbout 3 s\nTraining: 9/9 steps')).toBe('About 3 s\nTraining: 9/9 steps');
    expect(asShown('Decoding: 2/2 images\nTraining: 2/2 steps')).toBe('Decoding: 2/2 images\nTraining: 2/2 steps');
    expect(asShown('At: 1/2 steps\nBy: 1/1 images\nAt: 2/2 steps\nBy: 1/1 images\nend\nAt: 1/1 steps')).toBe(
      'At: 2/2 steps\nBy: 1/1 images\nend\nAt: 1/1 steps',
    );
  });

  test.each([
    ['numbers', 'loss 0.25 after 100 steps', 'loss 1e-7 after 3 steps'],
    ['durations', 'done in 2 min 3 s', 'done in 40 s'],
    ['sizes', 'wrote 1.5 MB', 'wrote 900 kB'],
    ['hashes', 'base 0123456789abcdef', 'base fedcba9876543210aa'],
    ['progress', 'Training: 2/2 steps, 3 steps/s', 'Training: 900/900 steps, 1:03 left loss 0.5'],
    ['how often progresses take turns', 'At: 1/2 steps\nBy: 1/1 steps\nAt: 2/2 steps\nend', 'By: 1/1 steps\nend'],
    ['the engine', 'Engine: native (Rust)\nend', 'Engine: cpu\nend'],
    ['what is said about the speed', 'About 3 s for 9 steps\nend', 'About 1 min, 2 s a step\nend'],
  ])('%s may differ', (_, one, other) => expect(sameOutput(one, other)).toBe(true));

  test.each([
    ['a word', 'wrote bundle', 'wrote run'],
    ['a line that is missing', 'a\nb', 'a'],
    ['the order', 'a\nb', 'b\na'],
  ])('%s may not', (_, one, other) => expect(sameOutput(one, other)).toBe(false));
});

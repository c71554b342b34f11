import { expect, test } from 'vitest';
import { parseHelp } from './parse-help.mjs';

test('usage, description, lists with lines that go on, and examples', () => {
  const help = `Usage: learngene sample [options] <what>

Draw images of classes from a run,
a bundle or a dense model

Arguments:
  what           a run

Options:
  --out <file>   PNG grid to write, a row
                 a class (default: "x")
  -h, --help     display help for command

Examples:
  $ learngene sample --from runs/emoji --out emoji.png
`;
  expect(parseHelp(help)).toEqual({
    usage: 'learngene sample [options] <what>',
    description: 'Draw images of classes from a run, a bundle or a dense model',
    parts: {
      Arguments: [{ term: 'what', text: 'a run' }],
      Options: [
        { term: '--out <file>', text: 'PNG grid to write, a row a class (default: "x")' },
        { term: '-h, --help', text: 'display help for command' },
      ],
      Examples: ['learngene sample --from runs/emoji --out emoji.png'],
    },
  });
});

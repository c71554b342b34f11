import { noProgress } from '@learngene/pipeline';
import { expect, test } from 'vitest';
import { tellDuration } from './tell-duration';

function told(steps: number, later?: { steps: number; of: string }): string[] {
  const texts: string[] = [];
  let time = 0;
  const tell = tellDuration({
    ...{ steps, later, now: () => time },
    progress: { ...noProgress, info: (text) => void texts.push(text) },
  });
  for (let step = 1; step <= steps; step++) {
    time += step === 1 ? 9000 : 250; // the first step warms up
    tell();
    if (step < 5) expect(texts).toEqual([]);
  }
  return texts;
}

test('after five steps, once, by the speed of those after the first', () => {
  expect(told(1205)).toEqual(['About 5:00 for 1,205 steps, 4 steps a second; samples and scores come on top']);
  expect(told(1205, { steps: 240, of: 'the transfer' })).toEqual([
    'About 6:00 for 1,205 steps and the 240 of the transfer, 4 steps a second; samples and scores come on top',
  ]);
});

test('not where the training is over by then', () => expect(told(5)).toEqual([]));

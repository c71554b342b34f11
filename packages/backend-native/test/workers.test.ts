import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('worker.mjs', import.meta.url));

function digest(phase: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(script, { workerData: { phase, steps: 60 }, execArgv: [] });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

test('two JavaScript threads at once get the bits that each gets alone', async () => {
  const alone = [await digest(0), await digest(2)];
  expect(alone[0]).not.toBe(alone[1]);
  for (let round = 0; round < 3; round++) expect(await Promise.all([digest(0), digest(2)])).toEqual(alone);
});

test('the same seed gives the same bits in every run', async () => {
  expect(new Set([await digest(5), await digest(5), await digest(5)]).size).toBe(1);
});

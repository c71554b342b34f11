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

test('a JavaScript thread that is ended in the middle of its work takes nothing with it', async () => {
  const expected = await digest(0);
  for (let round = 0; round < 6; round++) {
    const worker = new Worker(script, { workerData: { phase: 1, steps: 1_000_000 }, execArgv: [] });
    await new Promise((resolve) => worker.once('online', resolve));
    await new Promise((resolve) => setTimeout(resolve, 300 + 40 * round));
    await worker.terminate();
  }
  expect(await digest(0)).toBe(expected); // the process is alive, and its memory whole
});

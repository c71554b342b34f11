import { join } from 'node:path';
import { noProgress } from '@learngene/pipeline';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { expect, test } from 'vitest';
import { InterruptedError } from '../errors';
import { PIXEL_PLAN } from './plans';
import { runDemo } from './run-demo';

const folder = temporaryFolder('demo');
const demo = (name: string, reason: Error) =>
  runDemo(PIXEL_PLAN, {
    out: join(folder, name),
    engine: 'cpu',
    seed: 0,
    progress: noProgress,
    signal: AbortSignal.abort(reason),
  });

test('an interrupted demo says so by its own code, which no run of a training has, and keeps the signal', async () => {
  const stopped = await demo('stopped', new InterruptedError('interrupted', { signal: 'SIGTERM' })).catch((e) => e);
  expect(stopped).toBeInstanceOf(InterruptedError);
  expect(stopped).toMatchObject({ message: 'interrupted', signal: 'SIGTERM', code: 'demo-interrupted' });
});

test('another reason of an abort is thrown as it is', async () => {
  const reason = new Error('enough');
  await expect(demo('other', reason)).rejects.toBe(reason);
});

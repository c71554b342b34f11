import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { errorLine, noProgress } from '@learngene/pipeline';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { expect, test } from 'vitest';
import { InterruptedError } from '../errors';
import type { DemoPlan } from './plan';
import { PIXEL_PLAN } from './plans';
import { runDemo } from './run-demo';

const folder = temporaryFolder('demo');
const demo = (name: string, reason: Error, plan: DemoPlan = PIXEL_PLAN) =>
  runDemo(plan, {
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
  const withCode = (error: unknown) => `${(error as Error).message}; ${(error as InterruptedError).code}`;
  expect(errorLine(stopped, withCode)).toBe('interrupted; demo-interrupted');
});

test('another reason of an abort is thrown as it is', async () => {
  const reason = new Error('enough');
  await expect(demo('other', reason)).rejects.toBe(reason);
});

test('a plan whose autoencoder is none leaves no folder that the right one would find', async () => {
  const none = join(folder, 'no-autoencoder');
  const plan = { ...PIXEL_PLAN, config: { ...PIXEL_PLAN.config, autoencoder: { path: none } } };
  await expect(demo('refused', new Error('enough'), plan)).rejects.toThrow(none);
  expect(existsSync(join(folder, 'refused'))).toBe(false);
});

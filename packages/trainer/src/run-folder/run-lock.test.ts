import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@learngene/pipeline';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { expect, test } from 'vitest';
import { lockRun } from './run-lock';

const folder = temporaryFolder('lock');

test('a second training in a run is refused until the first ends', async () => {
  const run = join(folder, 'own');
  mkdirSync(run);
  const release = await lockRun(run);
  await expect(lockRun(run)).rejects.toThrow(ConfigError);
  await expect(lockRun(run)).rejects.toThrow(`${run}: another training of this process works in this run`);
  await release();
  await (await lockRun(run))();
});

import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disposeParams } from '@learngene/nn';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadNewestCheckpoint } from './checkpoint';
import { loadModel } from './load-model';
import { readRunRecord } from './run-folder';

const fixture = fileURLToPath(new URL('../../fixtures/format-1/run', import.meta.url));
const [first] = readdirSync(join(fixture, 'checkpoints'));
const sound = Number(first.slice('step-'.length));
const work = temporaryFolder('newest');

beforeAll(useTestBackend);

/** A run with two more checkpoints. */
function copied(name: string): { run: string; of: (step: number) => string } {
  const run = join(work, name);
  const of = (step: number) => join(run, 'checkpoints', `step-${step}`);
  cpSync(fixture, run, { recursive: true });
  for (const more of [1, 2]) cpSync(of(sound), of(sound + more), { recursive: true });
  return { run, of };
}

function damage(folder: string): void {
  const path = join(folder, 'ema.safetensors');
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(path, bytes);
}

const messageOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (error: unknown) => (error as Error).message,
  );

describe('the newest checkpoint', () => {
  test('is read; a run without any has none', async () => {
    const { run } = copied('read');
    const newest = await loadNewestCheckpoint(run, ['ema']);
    expect(newest?.step).toBe(sound + 2);
    disposeParams(newest!.trees.ema);
    rmSync(join(run, 'checkpoints'), { recursive: true });
    expect(await loadNewestCheckpoint(run)).toBeUndefined();
  });

  test('where it is damaged the error says from which one the run continues without it', async () => {
    const { run, of } = copied('damaged');
    damage(of(sound + 2));
    await expectNoLeak(async () => {
      for (const load of [() => loadNewestCheckpoint(run, ['ema']), () => loadModel(run)]) {
        expect(await messageOf(load())).toBe(
          `${of(sound + 2)}/ema.safetensors: its checksum is not that of state.json; ` +
            `delete ${of(sound + 2)} to continue from step ${sound + 1}, whose checkpoint is sound`,
        );
      }
    });
    damage(of(sound + 1));
    expect(await messageOf(loadNewestCheckpoint(run, ['ema']))).toContain(
      `; delete ${of(sound + 2)} and ${of(sound + 1)} to continue from step ${sound}, whose checkpoint is sound`,
    );
    damage(of(sound));
    expect(await messageOf(loadNewestCheckpoint(run, ['ema']))).not.toContain('delete');
  });
});

test.each([99, '2', null])('a run record of format %j is refused with the format that came', async (format) => {
  const { run } = copied(`format-${format}`);
  const path = join(run, 'config.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), format }));
  expect(await messageOf(readRunRecord(run))).toBe(
    `${path}: expected a run record of format 1 or 2, got format ${JSON.stringify(format)}`,
  );
});

// First: the engine must be tfjs-core's own and not that of its bundled gradients.
import '@tensorflow/tfjs-core';

import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import { readJson, runPlan } from '../../test/run-plan';
import type { Job } from '../jobs/job';
import { resolveJobs } from '../jobs/resolve-jobs';
import { readPlan } from '../plan/benchmark-plan';
import type { TrialResult } from '../plan/result';
import { writeTransferReport } from '../report';

const fixture = fileURLToPath(new URL('../../fixtures/format-1', import.meta.url));
const root = temporaryFolder('format-1');

/** A copy of the folder that an older version wrote (tools/fixtures/make_transfer_benchmark.mjs). */
function copy(name: string): string {
  const out = join(root, name);
  cpSync(fixture, out, { recursive: true });
  return out;
}

/** Runs the plan that the folder holds; returns the jobs that were done. */
const continued = async (out: string): Promise<Job[]> => runPlan(out, await readPlan(join(out, 'plan.json')));

const read = (out: string, key: string) => readJson<TrialResult>(out, 'trials', key, 'result.json');

describe('the folder of a finished plan of format 1', () => {
  test('is shown by the report as it is', async () => {
    const out = copy('report');
    const { summary, report } = await writeTransferReport(out);
    expect(summary).toMatchObject({ done: 6, open: 0, failed: [], unreadable: [] });
    expect(summary.isoParameters[0].rows.map(({ method }) => method).sort()).toEqual(['kind', 'lora']);
    expect(summary.isoMacs[0].rows.map(({ method }) => method).sort()).toEqual(['kind', 'lora']);
    expect(summary.ablations[0].rows.map(({ method }) => method)).toContain('kind/long');
    expect(summary.budgets[0].lines[0].method).toBe('bundle-cut');
    const page = readFileSync(report, 'utf8');
    for (const text of [
      'stepsScale 3',
      'factorLearningRateScale 0.5',
      'sweepSteps full',
      'data:image/png',
      'tiny, 2-1-factors-x0.5-x3',
    ])
      expect(page).toContain(text);
    expect(page).not.toMatch(/undefined|NaN/);
    expect(existsSync(join(out, 'cells'))).toBe(true);
  });

  test('is continued without a job, under the names of today', async () => {
    const out = copy('continued');
    expect(await continued(out)).toEqual([]);
    const names = readdirSync(out);
    expect(names).toContain('trials');
    expect(names).not.toContain('cells');
    expect(readJson(out, 'plan.json')).toMatchObject({ format: 2, sweeps: expect.any(Array) });
    expect((await writeTransferReport(out)).summary).toMatchObject({ done: 6, open: 0 });
    expect(await continued(out)).toEqual([]);
  });

  describe('where trials are missing', () => {
    beforeAll(async () => void (await useTestBackend()));
    test('computes them again on its bases, to the same figures', async () => {
      const out = copy('missing');
      const jobs = [...resolveJobs(await readPlan(join(out, 'plan.json'))).values()];
      const missing = jobs.filter(
        (job) =>
          (job.kind === 'trial' && job.trial.table !== 'ablation') ||
          job.kind === 'budget' ||
          // Their weights are not in the fixture, but two steps away.
          job.kind === 'classifier',
      );
      const old = new Map(
        readdirSync(join(out, 'cells')).map((key) => [key, readJson<TrialResult>(out, 'cells', key, 'result.json')]),
      );
      for (const { kind, key } of missing)
        rmSync(kind === 'classifier' ? join(out, 'classifiers', `${key}.json`) : join(out, 'cells', key), {
          recursive: true,
        });
      expect((await continued(out)).map(({ key }) => key)).toEqual(missing.map(({ key }) => key));
      for (const job of missing) {
        if (job.kind === 'classifier') continue;
        const [now, before] = [read(out, job.key), old.get(job.key) as TrialResult];
        for (const [i, evaluation] of now.evaluations.entries())
          for (const [name, value] of Object.entries(evaluation)) {
            const expected = before.evaluations[i][name as 'fid'];
            // What the older version did not measure.
            if (name === 'precisionMarks') expect(value).toMatchObject({ noise: { precision: expect.any(Number) } });
            else if (typeof value === 'number') expect(value / (expected || 1), name).toBeCloseTo(expected ? 1 : 0, 4);
            else expect(value).toBe(expected);
          }
        expect([now.trainable, now.parameters, now.macs, now.guidance]).toEqual([
          before.trainable,
          before.parameters,
          before.macs,
          before.guidance,
        ]);
      }
    });
  });
});

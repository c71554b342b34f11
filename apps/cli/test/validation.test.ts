import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { fingerprint, json, run, succeed, trainTiny, writeImages } from './run';

const folder = temporaryFolder('cli');
const data = join(folder, 'images.safetensors');
const validated = join(folder, 'validated');
const heldOut = ['--set', 'data.holdOut=0.25'];
const steps = 10;

/** The lines of a run's log without what is measured of the machine. */
function log(path: string) {
  const lines = readFileSync(join(path, 'metrics.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => {
    const { step, loss, gradientNorm, validationLoss } = JSON.parse(line);
    return { step, loss, gradientNorm, validationLoss };
  });
}

beforeAll(async () => {
  await writeImages(data);
  const asked = ['--set', 'validation.every=2', '--set', 'validation.images=4'];
  await succeed(...trainTiny(data, validated, steps, ...heldOut, ...asked, '--quiet'));
});

test('train measures the loss on held-out images where it is asked for, and trains to the same bits', async () => {
  const plain = join(folder, 'plain');
  const { last } = await json<{ last: object }>(...trainTiny(data, plain, steps, ...heldOut));
  expect(last).not.toHaveProperty('validationLoss');
  expect(JSON.parse(readFileSync(join(plain, 'config.json'), 'utf8')).config).not.toHaveProperty('validation');

  const { config } = JSON.parse(readFileSync(join(validated, 'config.json'), 'utf8'));
  expect(config.validation).toEqual({ every: 2, images: 4 });
  expect(log(validated).map(({ step }) => step)).toEqual([2, 4, 6, 8, 10]);
  for (const { validationLoss } of log(validated)) expect(validationLoss).toBeGreaterThan(0);
  expect(log(validated).map(({ validationLoss: _, ...line }) => line)).toEqual(
    log(plain).map(({ validationLoss: _, ...line }) => line),
  );
  expect(fingerprint(validated, steps)).toEqual(fingerprint(plain, steps));
  const { stdout } = await succeed('inspect', validated);
  expect(stdout).toContain(`validation loss ${log(validated)[4].validationLoss.toFixed(5)}`);
});

test('a resume measures it again, to the same numbers', async () => {
  const resumed = join(folder, 'resumed');
  cpSync(validated, resumed, { recursive: true });
  rmSync(join(resumed, 'checkpoints', `step-${steps}`), { recursive: true });
  await succeed('train', '--out', resumed, '--resume', '--engine', 'cpu', '--quiet');
  expect(fingerprint(resumed, steps)).toEqual(fingerprint(validated, steps));
  expect(log(resumed)).toEqual(log(validated));
});

test.each<[string, string[], RegExp]>([
  [
    'data that hold nothing out',
    ['data.holdOut=0', 'validation.every=2'],
    /validation: expected held-out images, got none: data\.holdOut is 0/,
  ],
  ['no steps between', ['validation.images=4'], /validation\.every/],
  [
    'another key',
    ['validation.every=2', 'validation.evry=3'],
    /unknown key validation\.evry; did you mean validation\.every\?/,
  ],
])('%s is refused', async (name, settings, message) => {
  const set = settings.flatMap((setting) => ['--set', setting]);
  const { code, stderr } = await run(...trainTiny(data, join(folder, name), steps, ...set));
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
});

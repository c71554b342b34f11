import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '@learngene/tensor-io/node';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../errors';
import { type Inspection, inspectPath } from './inspect-path';

const fixtures = fileURLToPath(new URL('../../../fixtures/format-1', import.meta.url));
const work = temporaryFolder('inspect');
const at = (...names: string[]) => join(fixtures, ...names);

beforeAll(useTestBackend);

/** What lies at a path, and how often an engine was asked for. */
async function inspected<W extends Inspection['what']>(path: string, what: W) {
  let engines = 0;
  const found = await inspectPath(path, { needEngine: async () => engines++ });
  expect(found.what).toBe(what);
  return { found: found as Extract<Inspection, { what: W }>, engines };
}

/** The numbers that the tensors of files hold. */
async function numbersIn(...paths: string[]): Promise<number> {
  const files = await Promise.all(paths.map((path) => readSafetensors(path)));
  return files
    .flatMap(({ tensors }) => [...tensors.values()])
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

describe('inspectPath', () => {
  test('counts a run from its record as its checkpoint has them, and needs no engine', async () => {
    const { found, engines } = await inspected(at('run'), 'kind-run');
    expect(found.path).toBe(at('run'));
    expect(found.checkpoints).toEqual([40]);
    expect(found.record.model.groups.map(({ name }) => name)).toEqual(['bars', 'dots', 'flat']);
    expect(found.parameters.total).toBe(await numbersIn(at('run', 'checkpoints', 'step-40', 'ema.safetensors')));
    expect(engines).toBe(0);
  });

  test('checks the files of a bundle on an engine, and counts what they hold', async () => {
    const { found, engines } = await inspected(at('bundle'), 'bundle');
    const tailors = readdirSync(at('bundle', 'tailors')).map((name) => at('bundle', 'tailors', name));
    const files = [at('bundle', 'learngenes.safetensors'), at('bundle', 'shared.safetensors'), ...tailors];
    expect(found.counts.params.total).toBe(await numbersIn(...files));
    expect(found.config.groups.map(({ classes }) => classes)).toEqual([[0], [1], [2]]);
    expect(engines).toBe(1);
    await expectNoLeak(async () => {
      await inspectPath(at('bundle'), { needEngine: async () => {} });
    });
  });

  test('of a demo takes the pre-training run, which is said', async () => {
    const demo = join(work, 'demo');
    cpSync(at('run'), join(demo, 'pretrain'), { recursive: true });
    cpSync(at('expected.json'), join(demo, 'demo.json'));
    const notes: string[] = [];
    const progress = {
      info: (text: string) => notes.push(text),
      warn() {},
      startBar: () => ({ update() {}, stop() {} }),
    };
    const found = await inspectPath(demo, { needEngine: async () => {}, progress });
    expect(found).toMatchObject({ what: 'kind-run', path: join(demo, 'pretrain'), checkpoints: [40] });
    expect(notes).toEqual([expect.stringMatching(/demo is a demo.*; this is the first$/)]);
  });

  test.each([
    ['a file of our keys', 'dots.safetensors', 'learngene'],
    ['a folder of diffusers', 'diffusers', 'diffusers'],
    ['the file in a folder of diffusers', 'diffusers/diffusion_pytorch_model.safetensors', 'diffusers'],
  ])('names layout, network and tensors of a dense model: %s', async (_, path, layout) => {
    const { found } = await inspected(at(path), 'tensors');
    const file = path === 'diffusers' ? at(path, 'diffusion_pytorch_model.safetensors') : at(path);
    const { tensors, metadata } = await readSafetensors(file);
    expect(found).toMatchObject({ layout, metadata });
    expect(found.tensors).toEqual([...tensors].map(([name, { shape }]) => ({ name, dtype: 'F32', shape: [...shape] })));
    expect(JSON.parse(found.metadata.classes)).toEqual(['dots']);
    // The shapes do not tell the heads of a width that is no preset's.
    expect(found.config).toBeNull();
  });

  test('tensors that are no DiT have neither layout nor network', async () => {
    const { found } = await inspected(at('bundle', 'tailors', 'dots.safetensors'), 'tensors');
    expect([found.layout, found.config]).toEqual([null, null]);
    expect(found.kind).toMatch(/bundle/);
  });

  test.each([
    ['nothing', 'none', 'none: no such file or folder'],
    ['another file', 'expected.json', 'a .safetensors file; this is a JSON file'],
    ['a part of a run', 'run/checkpoints', 'expected a run, a bundle, a demo or a .safetensors file; this is'],
  ])('%s at the path is refused by its name', async (_, path, message) => {
    const inspection = inspectPath(at(path), { needEngine: async () => {} });
    await expect(inspection).rejects.toThrow(ConfigError);
    await expect(inspection).rejects.toThrow(message);
  });
});

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '@learngene/tensor-io/node';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { expect, test } from 'vitest';
import { run, succeed } from './run';

const folder = temporaryFolder('cli-convert');
const torch = (name: string) =>
  fileURLToPath(new URL(`../../../packages/tensor-io/fixtures/torch/${name}.pt`, import.meta.url));

test('a checkpoint of torch becomes safetensors, one model or all', async () => {
  const out = join(folder, 'ema.safetensors');
  const { stdout, stderr } = await succeed('convert', torch('checkpoint'), out, '--key', 'ema', '--dtype', 'BF16');
  expect(stdout).toMatch(/^Wrote .*ema.safetensors: 8 tensors, 0.00 MiB/);
  expect(stderr).toBe('');
  const { tensors, metadata } = await readSafetensors(out);
  expect([tensors.get('0.weight')!.dtype, metadata]).toEqual(['BF16', { format: 'pt' }]);
  const all = await succeed('convert', torch('checkpoint'), out, '--force', '--json');
  expect(all.stderr).toMatch(/left out, as they are no tensors: ".*" and \d+ more/);
  const result = JSON.parse(all.stdout);
  expect([result.to, result.shared]).toEqual([out, []]);
  expect(result.others).toContain('args.model');
});

test('shared tensors are told, hostile ones refused by name', async () => {
  const out = join(folder, 'state.safetensors');
  const { stderr } = await succeed('convert', torch('state'), out);
  expect(stderr).toMatch(/shared before, each by itself now: "parameter", "tied"/);
  const refused = await run('convert', torch('refused-module'), join(folder, 'never.safetensors'));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(
    /^error .*refused-module.pt: pickle names "torch.nn.modules.linear.Linear", which is refused/,
  );
});

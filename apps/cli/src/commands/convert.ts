import { listNames } from '@learngene/datasets';
import { counted } from '@learngene/pipeline';
import { expectTensorFile } from '@learngene/pipeline/node';
import { type ConvertTensorsOptions, convertTensors } from '@learngene/tensor-io/node';
import { Command } from 'commander';
import { type OutputOptions, oneOf, outputOf, withOutputOptions } from '../cli/context';
import { checkTarget, withForceOption } from '../cli/target';

interface ConvertOptions extends OutputOptions, ConvertTensorsOptions {
  force: boolean;
}

/** `learngene convert`: tensors of torch, without Python, as safetensors. */
export function convertCommand(): Command {
  const command = new Command('convert')
    .description('Write the tensors of a .pt, .pth or .safetensors file as .safetensors; no code of the file is run')
    .argument('<from>', 'file of torch (.pt, .pth, .ckpt, .bin) or .safetensors, sharded ones too')
    .argument('<to>', '.safetensors file to write')
    .option('--key <name>', 'take only what lies under this key, without it in the names: ema of a checkpoint')
    .addOption(oneOf('--dtype <dtype>', 'dtype of all floats (default: their own)', ['F32', 'F16', 'BF16']));
  withForceOption(command);
  withOutputOptions(command, [
    'learngene convert DiT-XL-2-256x256.pt DiT-XL-2.safetensors',
    'learngene convert checkpoint.pt ema.safetensors --key ema --dtype F16',
  ]);
  return command.action(async (from: string, to: string, { key, dtype, force, ...rest }: ConvertOptions) => {
    const output = outputOf(rest);
    checkTarget(to, { option: '<to>', endings: ['.safetensors'], force, sources: [from] });
    await expectTensorFile(from, '<from>');
    const done = await convertTensors(from, to, { key, dtype });
    const { tensors, bytes, shared, others } = done;
    output.print(`Wrote ${to}: ${counted(tensors, 'tensor')}, ${(bytes / 2 ** 20).toFixed(2)} MiB`);
    for (const names of shared) output.info(`shared before, each by itself now: ${listNames(names, 5)}`);
    if (others.length > 0) output.info(`left out, as they are no tensors: ${listNames(others, 5)}`);
    output.result({ to, ...done });
  });
}

import {
  encodeData,
  encodingWords,
  prepareEncoding,
  STORED_LATENTS,
  type StoredLatents,
} from '@learngene/trainer/node';
import { Command, Option } from 'commander';
import {
  type ConfigOptions,
  type EngineOption,
  type OutputOptions,
  outputOf,
  refuseUnreadSections,
  resolveConfig,
  wholeNumber,
  withDataOptions,
  withEngineOption,
  withLatentOptions,
  withOutputOptions,
  withSeedOption,
} from '../cli/context';
import { interruptible } from '../cli/interrupt';
import { startEngine } from '../cli/start-engine';

interface LatentsOptions extends OutputOptions, EngineOption, ConfigOptions {
  out: string;
  stored: StoredLatents;
  crops: number;
  flip: boolean;
  shardImages: number;
  batchSize: number;
}

/** `learngene data latents`: encode a dataset once. */
export function latentsCommand(): Command {
  const command = new Command('latents')
    .description('Encode a dataset once with an autoencoder, into a folder that train --latents reads')
    .requiredOption('--out <folder>', 'folder to write; an interrupted one goes on')
    .addOption(new Option('--stored <what>', 'what is kept of an image').choices([...STORED_LATENTS]).default('mean'))
    .option('--crops <n>', 'crops of an image, the first of which is the whole image', wholeNumber('--crops', 1), 1)
    .option('--no-flip', 'without latents of mirrored images')
    .option('--shard-images <n>', 'images of a file', wholeNumber('--shard-images', 1), 1024)
    .option('--batch-size <n>', 'images at a time', wholeNumber('--batch-size', 1), 16);
  withLatentOptions(command, { latents: false });
  withDataOptions(command);
  withSeedOption(command);
  withEngineOption(command);
  withOutputOptions(command, [
    'learngene data latents --data photos --size 64 --vae emoji --out photos-latents',
    'learngene train --latents photos-latents --out runs/photos',
  ]);
  return command.action(async ({ batchSize, ...options }: LatentsOptions) => {
    const output = outputOf(options);
    refuseUnreadSections(options, 'data latents', ['data', 'autoencoder']);
    const { out, stored, crops, shardImages, flip: mirrored } = options;
    const config = await resolveConfig(options);
    const request = { config, out, stored, crops, mirrored, shardImages, batchSize, progress: output };
    const prepared = await prepareEncoding(request);
    await startEngine(options.engine, output);
    const manifest = await interruptible((signal) => encodeData(out, prepared, signal));
    output.print(encodingWords(out, manifest));
    output.result({ out, ...manifest });
  });
}

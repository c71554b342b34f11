import { listNames } from '@learngene/datasets';
import { counted } from '@learngene/pipeline';
import type { LatentManifest } from './manifest';

/** What a folder of latents holds, in words. */
function latentWords({ images, classes, shape, autoencoder, crops, mirrored, stored }: LatentManifest): string {
  const views = crops * (mirrored ? 2 : 1);
  const each =
    views === 1
      ? ''
      : `, ${counted(views, 'view')} of each (${counted(crops, 'crop')}${mirrored ? ', mirrored too' : ''})`;
  return `${counted(images, 'image')} of ${counted(classes.length, 'class', 'classes')} (${listNames(classes, 8)}) as latents ${shape.join('x')} of ${autoencoder.name ?? autoencoder.path}, ${stored}${each}`;
}

/** Mean and deviation of the latents of a folder, and how the network sees them, in four significant digits at the most. */
export function latentScaleWords({
  statistics,
  autoencoder,
}: Pick<LatentManifest, 'statistics' | 'autoencoder'>): string {
  const { mean = 0, deviation = 1 } = statistics ?? {};
  const [shift, scale] = [short(autoencoder.shiftFactor), short(autoencoder.scalingFactor)];
  const shifted = shift === 0 ? 'latents' : `(latents ${shift < 0 ? '+' : '-'} ${Math.abs(shift)})`;
  return `mean ${short(mean)}, standard deviation ${short(deviation)}; the network sees ${shifted} * ${scale}`;
}

/** What the encoding of a dataset into a folder made, in two lines. */
export function encodingWords(folder: string, manifest: LatentManifest): string {
  return `${folder}: ${latentWords(manifest)}\n${latentScaleWords(manifest)}`;
}

function short(value: number): number {
  return Number(value.toPrecision(4));
}

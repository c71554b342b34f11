import { vaeTensorShapes } from '@learngene/vae';
import { autoencoders as configs } from '../tasks/autoencoders';
import type { AutoencoderSpec } from '../tasks/specs';
import type { PeerImplementation, Row } from './row';

const names = { kl: 'AutoencoderKL of SD 1.x', tiny: 'TAESD' };
const sides = [64, 256, 512] as const;

interface Cell {
  readonly model: 'kl' | 'tiny';
  readonly part: 'encode' | 'decode';
  readonly side: number;
}

const cells: Cell[] = (['tiny', 'kl'] as const).flatMap((model) =>
  (['encode', 'decode'] as const).flatMap((part) => sides.map((side) => ({ model, part, side }))),
);

function row({ model, part, side }: Cell, peer: PeerImplementation): Omit<Row, 'section'> {
  const spec: AutoencoderSpec = { model, part, side, tensors: [...vaeTensorShapes(configs[model], 'learngene')] };
  return {
    name: `${part}, ${names[model]}, one image of ${side} pixels`,
    task: 'autoencoder',
    spec,
    peers: [peer],
    tolerance: { relative: 2e-3, absolute: 1e-4 },
  };
}

const times = cells.map(
  (cell): Row => ({
    ...row(cell, { label: 'torch eager f32, the faster memory layout', task: 'autoencoder', goal: 1 }),
    section: 'Autoencoders',
    quick: cell.model === 'tiny' && cell.side === 256,
  }),
);

/** On wasm, what takes it less than a minute. */
const onWasm = cells
  .filter(({ model, side }) => model === 'tiny' || side === 64 || side === 256)
  .map((cell): Row => {
    const made = row(cell, { label: 'torch eager f32, the faster memory layout', task: 'autoencoder' });
    return { ...made, name: `${made.name}, on wasm`, section: 'Autoencoders', engine: 'wasm' };
  });

/** Peak memory; torch in the layout that needs less, which is the plain one. */
const memory = [undefined, 'wasm'].flatMap((engine) =>
  cells
    .filter(({ model, side }) => engine === undefined || model === 'tiny' || side < 512)
    .map((cell): Row => {
      const peer = { label: 'torch eager f32', task: 'autoencoder', spec: { layout: 'contiguous_format' } };
      const made = row(cell, peer);
      const name = `peak memory, ${made.name}${engine ? `, on ${engine}` : ''}`;
      return { ...made, name, section: 'Memory', memory: true, ...(engine && { engine }) };
    }),
);

/** Encoding and decoding with the autoencoders of latent models. */
export const autoencoders: Row[] = [...times, ...onWasm, ...memory];

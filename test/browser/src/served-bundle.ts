import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ditConfig } from '@learngene/dit';
import { decomposeKind, initKind, kindConfig, type TailorGroup } from '@learngene/kind';
import { mapParams } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { htmlOf } from './bundle-page';
import { type Server, serve } from './serve';

/** The files of a bundle, by name. */
export type Bundle = ReadonlyMap<string, Uint8Array>;

const wasm = dirname(fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm')));

/** A small model whose every weight matters: nothing in it is zero, not even what training starts at zero. */
export async function makeBundle(groups: readonly TailorGroup[], metadata?: Record<string, string>): Promise<Bundle> {
  await tf.setBackend('cpu');
  const classes = groups.flatMap((group) => group.classes).length;
  const dit = ditConfig({ inputSize: 8, patchSize: 2, inChannels: 3, hiddenSize: 48, depth: 2, heads: 4, classes });
  const config = kindConfig({ dit: { ...dit, learnSigma: false }, learngeneRank: 16, tailorRank: 10, groups });
  const g = createGenerator(1);
  const params = mapParams(
    (leaf) => tf.add(leaf, tf.tensor(normal(g, leaf.size, { std: 0.1 }), leaf.shape)),
    initKind(g, config),
  );
  return decomposeKind({ config, params }, metadata);
}

/** Serves a page's program, the files of wasm, and a bundle under `/bundle`. */
export function serveBundle(page: string, bundle: Bundle): Promise<Server> {
  return serve({
    '/': htmlOf('/page.js'),
    '/page.js': page,
    '/wasm/': { folder: wasm },
    ...Object.fromEntries([...bundle].map(([file, bytes]) => [`/bundle/${file}`, bytes])),
  });
}

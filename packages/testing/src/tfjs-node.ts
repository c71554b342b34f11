import { createRequire } from 'node:module';

/**
 * Registers the backend `tensorflow` from what `tools/tfjs-node/build.mjs` made. `npm run test:tfjs-node` does both, and
 * preloads `shim.cjs` for Node 23 and newer.
 */
export function loadTfjsNode(): void {
  createRequire(new URL('../../../tools/tfjs-node/build/package.json', import.meta.url))('@tensorflow/tfjs-node');
}

import { createRequire } from 'node:module';

/**
 * Registers the backend `tensorflow` from what `tools/tfjs-node/build.mjs` made: `tfjs-node`, or `tfjs-node-gpu` where
 * `LEARNGENE_TEST_TFJS_NODE` names it. `npm run test:tfjs-node` builds it, and preloads `shim.cjs` for Node 23 and newer.
 */
export function loadTfjsNode(): void {
  const name = process.env.LEARNGENE_TEST_TFJS_NODE ?? 'tfjs-node';
  const folder = name === 'tfjs-node-gpu' ? 'build-gpu' : 'build';
  const build = new URL(`../../../tools/tfjs-node/${folder}/package.json`, import.meta.url);
  createRequire(build)(`@tensorflow/${name}`);
}

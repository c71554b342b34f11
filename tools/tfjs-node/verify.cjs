// Loads what build.mjs made and prints its TensorFlow version; fails if it does not compute, or does not share the
// workspace's tfjs-core (one engine, one registry of kernels, one of gradients).
// usage: node --require ./shim.cjs verify.cjs <package.json of the build> <package.json of the workspace>
const assert = require('node:assert/strict');
const { createRequire } = require('node:module');

const [build, workspace] = process.argv.slice(2);
const core = createRequire(workspace)('@tensorflow/tfjs-core');
const node = createRequire(build)('@tensorflow/tfjs-node');
assert.equal(node.engine, core.engine, 'tfjs-node brought a tfjs-core of its own');
assert.equal(core.getBackend(), 'tensorflow');
assert.ok(core.getKernelsForBackend('tensorflow').length > 150, 'kernels are missing');
const gradients = ['BatchMatMul', 'Conv2D', 'GatherV2', 'Softmax'];
for (const name of gradients) assert.ok(core.getGradient(name), `${name} has no gradient`);
const product = core.matMul([[1, 2]], [[3], [4]]).dataSync();
assert.deepEqual([...product], [11]);
const slope = core
  .grad((x) => core.square(x))(core.scalar(3))
  .dataSync();
assert.deepEqual([...slope], [6]);
console.log(core.backend().binding.TF_Version);

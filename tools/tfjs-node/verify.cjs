// Loads what build.mjs made and prints its TensorFlow version and its device as JSON; fails if it does not compute, or does
// not share the workspace's tfjs-core (one engine, one registry of kernels, one of gradients).
// usage: node --require ./shim.cjs verify.cjs <package.json of the build> <package.json of the workspace> <package>
const assert = require('node:assert/strict');
const { createRequire } = require('node:module');

const [build, workspace, name] = process.argv.slice(2);
const core = createRequire(workspace)('@tensorflow/tfjs-core');
const node = createRequire(build)(name);
assert.equal(node.engine, core.engine, `${name} brought a tfjs-core of its own`);
assert.equal(core.getBackend(), 'tensorflow');
assert.ok(core.getKernelsForBackend('tensorflow').length > 150, 'kernels are missing');
const gradients = ['BatchMatMul', 'Conv2D', 'GatherV2', 'Softmax'];
for (const gradient of gradients) assert.ok(core.getGradient(gradient), `${gradient} has no gradient`);
const product = core.matMul([[1, 2]], [[3], [4]]).dataSync();
assert.deepEqual([...product], [11]);
const slope = core
  .grad((x) => core.square(x))(core.scalar(3))
  .dataSync();
assert.deepEqual([...slope], [6]);
const backend = core.backend();
assert.equal(backend.isGPUPackage, name === '@tensorflow/tfjs-node-gpu');
console.log(
  JSON.stringify({ tensorflow: backend.binding.TF_Version, device: backend.isUsingGpuDevice ? 'GPU' : 'CPU' }),
);

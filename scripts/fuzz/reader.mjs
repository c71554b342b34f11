// The child of fuzz.mjs: reads one damaged case after the other with the built packages and tells how that went.
// A message in is { format, folder }; out { accepted } or { name, message, stack }, with the memory used so far.
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';

const packages = new URL('../../packages/', import.meta.url);
const from = (path) => import(new URL(path, packages));
tf.env().set('IS_TEST', true); // no advice on standard error
await tf.setBackend('cpu');

const io = await from('tensor-io/dist/index.js');
const files = await from('tensor-io/dist/node.js');
const datasets = await from('datasets/dist/node.js');
const { loadBundle } = await from('kind/dist/node.js');
const { disposeParams } = await from('nn/dist/index.js');

/** Reads every tensor of an open file, one by one. */
async function readAll(file) {
  const read = new Map();
  try {
    for (const name of file.names) read.set(name, await file.read(name));
  } finally {
    await file.close();
  }
  return read;
}

/** Two readers of one format must agree; the error of the first is thrown when both refuse. */
async function bothWays(whole, parts) {
  const [a, b] = await Promise.allSettled([whole(), parts()]);
  if (a.status === b.status) {
    if (a.status === 'rejected') throw a.reason;
    if (shapes(a.value) !== shapes(b.value)) throw new Error('the two readers give different tensors');
    return;
  }
  const refusal = a.status === 'rejected' ? a.reason : b.reason;
  const who = a.status === 'rejected' ? 'at once' : 'in parts';
  throw new Error(`only the reader ${who} refuses: ${refusal.message}`, { cause: refusal });
}

const shapes = (tensors) => JSON.stringify([...tensors].map(([name, { dtype, shape }]) => [name, dtype, shape]).sort());

async function readDataset(dataset) {
  const { size, height, width, channels } = dataset;
  const images = await dataset.read(Int32Array.from({ length: size }, (_, i) => i));
  if (images.length !== size * height * width * channels) throw new Error('images of another size than promised');
}

const readNpz = (folder) => {
  const path = join(folder, 'a.npz');
  return bothWays(
    async () => new Map(await files.readNpz(path)), // a tensor that cannot be read is refused when it is asked for
    async () => readAll(await io.openNpz(await files.fileSource(path))),
  );
};

const readTorch = (name) => (folder) => {
  const path = join(folder, name);
  return bothWays(
    async () => new Map(await files.readTensors(path)),
    async () => readAll(await files.openTorchFile(path)),
  );
};

const readers = {
  safetensors: (folder) => {
    const path = join(folder, 'a.safetensors');
    return bothWays(
      async () => new Map((await files.readSafetensors(path)).tensors),
      async () => readAll(await io.openSafetensors(await files.fileSource(path))),
    );
  },
  sharded: async (folder) => {
    const open = (file) => files.fileSource(join(folder, file));
    await readAll(await io.openShardedSafetensors(open));
  },
  npz: readNpz,
  'npz deflated': readNpz,
  'torch zip': readTorch('a.pt'),
  'torch legacy': readTorch('a.pt'),
  'torch hostile': readTorch('hostile.pt'),
  npy: async (folder) => {
    const source = await files.fileSource(join(folder, 'a.npy'));
    const bytes = await source.read(0, source.size);
    await source.close();
    io.decodeNpy(bytes);
  },
  idx: async (folder) => readDataset(await datasets.idx(folder)),
  'idx gz': async (folder) => readDataset(await datasets.idx(folder)),
  cifar: async (folder) => readDataset(await datasets.cifar(folder, { variant: 'cifar-10', part: 'test' })),
  pictures: async (folder) => readDataset(await datasets.imageFolder(folder, { size: 8 })),
  tar: async (folder) => readDataset(await datasets.tarShards(join(folder, 'a.tar'), { size: 8 })),
  bundle: async (folder) => {
    const before = tf.memory().numTensors;
    const [loaded] = await Promise.allSettled([loadBundle(folder)]);
    if (loaded.status === 'fulfilled') disposeParams(loaded.value.params);
    const left = tf.memory().numTensors - before;
    if (left !== 0) throw new Error(`loadBundle left ${left} tensors behind`);
    if (loaded.status === 'rejected') throw loaded.reason;
  },
};

async function read({ format, folder }) {
  try {
    await readers[format](folder);
    return { accepted: true };
  } catch (error) {
    if (!(error instanceof Error)) return { name: `thrown ${typeof error}`, message: String(error), stack: '' };
    return { name: error.name, message: error.message, stack: error.stack };
  }
}

process.on('message', async (job) => {
  const result = await read(job);
  if ({}.polluted !== undefined) Object.assign(result, { name: 'prototype pollution', accepted: false });
  process.send({ ...result, peakMiB: process.resourceUsage().maxRSS / 1024 });
});
process.send({ ready: true, peakMiB: process.resourceUsage().maxRSS / 1024 });

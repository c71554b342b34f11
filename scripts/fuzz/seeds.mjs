// The undamaged files of every format: a function a format, which gives bytes by name.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';

const packages = new URL('../../packages/', import.meta.url);
const from = (path) => import(new URL(path, packages));

/** Bytes that repeat: value i is i * step mod 256. */
const ramp = (length, step = 7) => Buffer.from(Uint8Array.from({ length }, (_, i) => i * step));
const big32 = (...values) =>
  Buffer.concat(values.map((value) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value])));

async function tensors() {
  const { fromFloat32 } = await from('tensor-io/dist/index.js');
  return new Map([
    [
      'layer.weight',
      fromFloat32(
        Float32Array.from({ length: 12 }, (_, i) => i / 3),
        [3, 4],
        'F32',
      ),
    ],
    ['layer.half', fromFloat32(Float32Array.of(1, -2, 3), [3], 'F16')],
    ['labels', { dtype: 'I64', shape: [2, 2], data: BigInt64Array.of(1n, 2n, -3n, 2n ** 40n) }],
    ['empty', { dtype: 'U8', shape: [0, 5], data: new Uint8Array(0) }],
    ['scalar', { dtype: 'F64', shape: [], data: Float64Array.of(Math.PI) }],
  ]);
}

async function safetensors() {
  const { encodeSafetensors } = await from('tensor-io/dist/index.js');
  return { 'a.safetensors': encodeSafetensors(await tensors(), { metadata: { format: 'pt' } }) };
}

function sharded() {
  const folder = fileURLToPath(new URL('tensor-io/fixtures/sharded/', packages));
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(folder + name)]));
}

const npz = (compress) => async () => {
  const { encodeNpz } = await from('tensor-io/dist/index.js');
  return { 'a.npz': encodeNpz(await tensors(), { compress }) };
};

async function npy() {
  const { encodeNpy } = await from('tensor-io/dist/index.js');
  return { 'a.npy': encodeNpy((await tensors()).get('layer.weight')) };
}

/** A file of torch.save from the fixtures, as `name`. */
const torch =
  (fixture, name = 'a.pt') =>
  () => ({
    [name]: readFileSync(fileURLToPath(new URL(`tensor-io/fixtures/torch/${fixture}`, packages))),
  });

function idx() {
  return {
    'train-images-idx3-ubyte': Buffer.concat([big32(0x803, 6, 5, 4), ramp(6 * 5 * 4)]),
    'train-labels-idx1-ubyte': Buffer.concat([big32(0x801, 6), Buffer.from([0, 1, 2, 0, 1, 2])]),
  };
}

function idxGz() {
  return Object.fromEntries(Object.entries(idx()).map(([name, bytes]) => [`${name}.gz`, gzipSync(bytes)]));
}

function cifar() {
  const record = (label) => Buffer.concat([Buffer.from([label]), ramp(3072, label + 1)]);
  return { 'test_batch.bin': Buffer.concat([0, 3, 9].map(record)) };
}

async function pictures() {
  const picture = (width, height) => sharp(ramp(width * height * 3), { raw: { width, height, channels: 3 } });
  return {
    'cat/a.png': await picture(20, 14).png().toBuffer(),
    'cat/b.jpg': await picture(16, 16).jpeg().toBuffer(),
    'dog/c.webp': await picture(9, 12).webp({ lossless: true }).toBuffer(),
    'dog/d.gif': await picture(8, 8).gif().toBuffer(),
    'dog/e.tif': await picture(10, 10).tiff().toBuffer(),
  };
}

/** An entry of a tar archive: a header (ustar) and its content in blocks of 512 bytes. */
function tarEntry(name, content, type = '0') {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write(`        ${type}`, 148);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

async function tar() {
  const files = Object.entries(await pictures()).filter(([name]) => /png|jpg|webp/.test(name));
  const samples = files.flatMap(([name, bytes], i) => {
    const key = name.slice(0, name.indexOf('.'));
    const label = i === 2 ? ['json', '{"label": 2}'] : ['cls', `${i}`];
    return [tarEntry(name, bytes), tarEntry(`${key}.${label[0]}`, Buffer.from(label[1]))];
  });
  const pax = tarEntry('pax', Buffer.from('19 path=long/d.jpg\n'), 'x');
  const last = [pax, tarEntry('short', files[1][1]), tarEntry('long/d.cls', Buffer.from('1'))];
  return { 'a.tar': Buffer.concat([...samples, ...last, Buffer.alloc(1024)]) };
}

async function bundle() {
  const [{ decomposeKind, initKind, kindConfig }, { ditConfig }, { createGenerator }] = await Promise.all(
    ['kind/dist/index.js', 'dit/dist/index.js', 'random/dist/index.js'].map(from),
  );
  tf.env().set('IS_TEST', true); // no advice on standard error
  await tf.setBackend('cpu');
  const size = { inputSize: 4, patchSize: 2, inChannels: 1, hiddenSize: 8, depth: 1, heads: 2, classes: 3 };
  const groups = [
    { name: 'cat', classes: [0] },
    { name: 'dogs', classes: [1, 2], classNames: ['pug', 'lab'] },
  ];
  const config = kindConfig({ dit: ditConfig(size), learngeneRank: 3, tailorRank: 2, groups, gate: 'soft' });
  const model = { config, params: initKind(createGenerator(0), config) };
  return Object.fromEntries(await decomposeKind(model, { note: 'seed' }));
}

async function cliConfig() {
  const photos = Object.entries(await pictures()).map(([name, bytes]) => [`photos/${name}`, bytes]);
  const config = {
    seed: 1,
    data: { source: 'folder', path: 'photos', size: 8, classes: ['cat', 'dog'], novel: [], holdOut: 0 },
    model: { patchSize: 4, hiddenSize: 16, depth: 1, heads: 2, learngeneRank: 4, tailorRank: 2 },
    diffusion: { process: 'gaussian', schedule: 'cosine', timesteps: 100 },
    training: { steps: 2, batchSize: 2, learningRate: 1e-3 },
    sampling: { sampler: 'ddim', steps: 2 },
  };
  return { 'config.json': Buffer.from(JSON.stringify(config)), ...Object.fromEntries(photos) };
}

/** Undamaged files by format. */
export const seeds = {
  safetensors,
  sharded,
  npz: npz(false),
  'npz deflated': npz(true),
  npy,
  'torch zip': torch('state.pt'),
  'torch legacy': torch('checkpoint.legacy.pt'),
  'torch hostile': torch('tensor.pt', 'hostile.pt'),
  idx,
  'idx gz': idxGz,
  cifar,
  pictures,
  tar,
  bundle,
  'cli config': cliConfig,
};

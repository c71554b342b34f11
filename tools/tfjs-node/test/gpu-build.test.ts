// What `build.mjs --gpu` made, on a machine without a GPU: it loads and computes, and with a fake driver it looks for the
// CUDA libraries and finds them in `deps/nvidia`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cudaLibraries, cudaLinks } from '../variants.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const build = join(here, '..', 'build-gpu');
const built = existsSync(join(build, 'built.json'));
const compiler = 'cc';
const compiles = built && spawnSync(compiler, ['--version']).status === 0;

/** Runs Node; TensorFlow and the loader of the C library say which libraries they open, and from where. */
function runNode(args: string[], env: Record<string, string>) {
  const verbose = { TF_CPP_VMODULE: 'dso_loader=1', TF_CPP_MIN_LOG_LEVEL: '0', LD_DEBUG: 'libs' };
  const child = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...process.env, ...verbose, ...env },
    maxBuffer: 2 ** 28,
  });
  const all = (pattern: RegExp) => [...child.stderr.matchAll(pattern)].map(([, text]) => text);
  return {
    output: child.stdout,
    opened: all(/Successfully opened dynamic library (\S+)/g),
    missing: [...new Set(all(/Could not load dynamic library '([^']+)'/g))],
    mapped: all(/calling init: (\S+)/g),
  };
}

describe.runIf(built)('the GPU build without a driver', () => {
  test('is tfjs-node-gpu, looks for the driver, and computes on the CPU', () => {
    const program = `
      const tf = require('@tensorflow/tfjs-node-gpu');
      const { isGPUPackage, isUsingGpuDevice, binding } = tf.backend();
      const a = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      const product = [...tf.matMul(a, a, false, true).dataSync()];
      const slope = [...tf.grad((x) => tf.sum(tf.square(x)))(tf.tensor1d([3, -4])).dataSync()];
      console.log(JSON.stringify({ isGPUPackage, isUsingGpuDevice, product, slope, version: binding.TF_Version }));`;
    const preload = ['--require', join(here, '..', 'shim.cjs')];
    const { output, missing } = runNode([...preload, '-e', `process.chdir(${JSON.stringify(build)});${program}`], {
      NODE_PATH: join(build, 'node_modules'),
      CUDA_VISIBLE_DEVICES: '',
    });
    expect(JSON.parse(output.slice(output.indexOf('{"isGPU')))).toEqual({
      isGPUPackage: true,
      isUsingGpuDevice: false,
      product: [14, 32, 32, 77],
      slope: [6, -8],
      version: '2.21.0',
    });
    expect(missing.filter((name) => name !== 'libcuda.so.1')).toEqual([]);
  });
});

describe.runIf(compiles)('the GPU build with a fake driver', () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'learngene-fake-driver-')));
  const driver = join(root, 'driver');
  const binding = join('lib', 'napi-v8', 'tfjs_binding.node');
  const real = built ? realpathSync(join(build, 'node_modules', '@tensorflow', 'tfjs-node-gpu')) : '';

  function compile(name: string, folder: string, source: string): void {
    mkdirSync(folder, { recursive: true });
    const out = join(folder, name);
    const args = ['-shared', '-fPIC', '-w', `-Wl,-soname,${name}`, '-o', out, source];
    const { status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  }

  /** The layout of a build, with links to its own files and, for the CUDA libraries, empty ones of their names. */
  function layout(folder: string, libraries: string[], links: string[][]): string {
    const linked = [binding, 'deps/lib/libtensorflow_cc.so.2', 'deps/lib/libtensorflow_framework.so.2'];
    const cudart = 'deps/nvidia/cuda_runtime/lib/libcudart.so.12';
    for (const file of [...linked, cudart]) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      symlinkSync(join(real, file), join(folder, file));
    }
    const source = join(root, 'empty.c');
    writeFileSync(source, 'int nothing;\n');
    for (const name of libraries) {
      const place = join(folder, 'deps', 'nvidia', cudaLibraries[name], 'lib');
      if (!existsSync(join(place, name))) compile(name, place, source);
    }
    for (const [name, target] of links) symlinkSync(target, join(folder, 'deps', name));
    return join(folder, binding);
  }

  /** Loads a binding, as its package does; then the fake driver makes the process fail, which is of no interest here. */
  function load(file: string) {
    const program = `process.dlopen({ exports: {} }, ${JSON.stringify(file)})`;
    return runNode(['-e', program], { LD_LIBRARY_PATH: driver, CUDA_VISIBLE_DEVICES: '0' });
  }

  beforeAll(() => {
    for (const name of ['libcuda.so.1', 'libnvidia-ml.so.1']) compile(name, driver, join(here, 'fake-driver.c'));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  test('every CUDA library is opened, from its folder in deps/nvidia', () => {
    const folder = join(root, 'whole');
    const names = Object.keys(cudaLibraries);
    const { opened, missing, mapped } = load(layout(folder, names, cudaLinks));
    expect(missing).toEqual([]);
    expect(opened).toEqual(expect.arrayContaining(['libcuda.so.1', 'libnvidia-ml.so.1', ...names]));
    const places = mapped.map((file) => join(file)).filter((file) => file.includes('/nvidia/'));
    const linked = new Map(cudaLinks.map(([file]) => [file.slice(file.lastIndexOf('/') + 1), file]));
    const expected = names.map((name) =>
      join(folder, 'deps', linked.get(name) ?? join('nvidia', cudaLibraries[name], 'lib', name)),
    );
    expect([...new Set(places)].sort()).toEqual(expected.sort());
  });
  test('without the links libcusolver is not found in its own folder', () => {
    const { missing } = load(layout(join(root, 'unlinked'), Object.keys(cudaLibraries), []));
    expect(missing).toEqual(['libcusolver.so.11']);
  });
  test('the table of libraries is what TensorFlow asks for', () => {
    const { missing } = load(layout(join(root, 'bare'), [], []));
    const absent = Object.keys(cudaLibraries).filter((name) => name !== 'libcudart.so.12');
    expect(missing.sort()).toEqual(absent.sort());
  });
});

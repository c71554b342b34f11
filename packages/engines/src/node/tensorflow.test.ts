import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadTensorflow } from './tensorflow';
import {
  CPU_PACKAGE,
  explainNoGpu,
  findWorkspaceBuild,
  GPU_PACKAGE,
  installRemedy,
  type TensorflowPackage,
} from './tensorflow-package';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'learngene-tensorflow-')));
afterAll(() => rmSync(root, { recursive: true }));

describe('in a clone', () => {
  const clone = join(root, 'clone');
  const deep = join(clone, 'packages', 'engines', 'dist');
  const tool = join(clone, 'tools', 'tfjs-node');

  test('finds a finished build above, and only a finished one; CPU and GPU apart', () => {
    mkdirSync(deep, { recursive: true });
    mkdirSync(join(tool, 'build'), { recursive: true });
    writeFileSync(join(tool, 'build', 'package.json'), '{}');
    expect(findWorkspaceBuild('build', deep)).toBeUndefined();
    writeFileSync(join(tool, 'build', 'built.json'), '{}');
    expect(findWorkspaceBuild('build', deep)).toBe(join(tool, 'build', 'package.json'));
    expect(findWorkspaceBuild('build', clone)).toBe(join(tool, 'build', 'package.json'));
    expect(findWorkspaceBuild('build-gpu', deep)).toBeUndefined();
  });
  test('the remedy is its tool, elsewhere npm; each says what its libtensorflow wants', () => {
    const self = join(deep, 'node.js');
    const npm = /^npm install @tensorflow\/tfjs-node-gpu \(.* libtensorflow 2\.9, for CUDA 11\.2 and cuDNN 8\.1/;
    expect(installRemedy(GPU_PACKAGE, { self, cwd: clone })).toMatch(npm);
    writeFileSync(join(tool, 'build.mjs'), '');
    const made = process.platform === 'linux' && process.arch === 'x64';
    const own = (flags: string) => (made ? `node ${join(tool, 'build.mjs')}${flags}` : 'npm install');
    expect(installRemedy(GPU_PACKAGE, { self })).toContain(own(' --gpu'));
    expect(installRemedy(CPU_PACKAGE, { self })).toContain(own(''));
  });
});

describe('loading a package', () => {
  const core = createRequire(import.meta.url).resolve('@tensorflow/tfjs-core');
  let count = 0;
  beforeEach(() => tf.setBackend('cpu'));
  afterEach(() => {
    if (tf.findBackendFactory('tensorflow')) tf.removeBackend('tensorflow');
  });

  const cut = readFileSync(process.execPath).subarray(0, 100_000);
  const foreign = Buffer.from(cut);
  foreign.writeUInt16LE(process.arch === 'x64' ? 183 : 62, 18);

  interface Behaviour {
    /** Whether it computes on a GPU. */
    gpu?: boolean;
    /** What it writes to its log. */
    log?: string;
    /** Statements at its end. */
    then?: string;
    /** Native files that it lacks or that are not what they should be. */
    broken?: Record<string, Buffer | undefined>;
  }

  /** Writes a package that does what tfjs-node does when it is loaded; returns the `package.json` to find it from. */
  function writePackage(
    { name }: TensorflowPackage,
    { gpu = false, log = '', then = '', broken = {} }: Behaviour,
  ): string {
    const folder = join(root, `project${++count}`);
    const main = join(folder, 'node_modules', ...name.split('/'));
    for (const part of ['dist', 'deps/lib', 'lib/napi-v8']) mkdirSync(join(main, part), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{}');
    writeFileSync(join(main, 'package.json'), JSON.stringify({ name, main: 'dist/index.js' }));
    const files = ['deps/lib/libtensorflow.so', 'deps/lib/libtensorflow_framework.so', 'lib/napi-v8/tfjs_binding.node'];
    for (const file of files) {
      if (!(file in broken)) symlinkSync(process.execPath, join(main, file));
      else if (broken[file]) writeFileSync(join(main, file), broken[file]);
    }
    writeFileSync(
      join(main, 'dist', 'index.js'),
      `const util = require('node:util');
      if (util.isNullOrUndefined(0) || !util.isArray([])) throw new Error('no helpers');
      const tf = require(${JSON.stringify(core)});
      if (process.env.TF_CPP_VMODULE) process.stderr.write(${JSON.stringify(log)});
      const backend = { isGPUPackage: ${name.endsWith('-gpu')}, isUsingGpuDevice: ${gpu}, binding: { TF_Version: '2.21.0' } };
      tf.registerBackend('tensorflow', () => ({ ...backend, dispose() {} }), 3);
      tf.setBackend('tensorflow');
      module.exports = tf;
      ${then}`,
    );
    return join(folder, 'package.json');
  }

  test('leaves the selected backend selected', async () => {
    const load = await loadTensorflow(CPU_PACKAGE, writePackage(CPU_PACKAGE, {}));
    expect(load).toEqual({
      ok: true,
      backend: 'tensorflow',
      detail: 'libtensorflow 2.21.0 on the CPU',
      accelerated: false,
    });
    expect(tf.getBackend()).toBe('cpu');
  });
  describe('on a GPU', () => {
    const created = (name: string) =>
      `I gpu_device.cc:2040] Created device /job:localhost/replica:0/task:0/device:GPU:0 with 21600 MB memory:  -> device: 0, name: ${name}, pci bus id: 0000:00:1e.0, compute capability: 8.6\n`;
    const log = created('NVIDIA A10') + created('NVIDIA A10G');
    const variables = ['NVIDIA_TF32_OVERRIDE', 'TF_FORCE_GPU_ALLOW_GROWTH', 'TF_ENABLE_ONEDNN_OPTS'];
    beforeEach(() => variables.map((name) => vi.stubEnv(name, undefined)));
    afterEach(() => vi.unstubAllEnvs());

    test('names it, the last one where there are several, and computes in f32', async () => {
      expect(await loadTensorflow(GPU_PACKAGE, writePackage(GPU_PACKAGE, { gpu: true, log }))).toEqual({
        ok: true,
        backend: 'tensorflow',
        detail: 'libtensorflow 2.21.0 on NVIDIA A10G (compute capability 8.6)',
        accelerated: true,
      });
      expect(variables.map((name) => process.env[name])).toEqual(['0', 'true', '0']);
    });
    test('says that products are in TF32 where that is allowed', async () => {
      vi.stubEnv('NVIDIA_TF32_OVERRIDE', '1');
      expect(await loadTensorflow(GPU_PACKAGE, writePackage(GPU_PACKAGE, { gpu: true, log }))).toMatchObject({
        detail: expect.stringMatching(/, TF32 products$/),
      });
    });
    test('leaves no room for the other package', async () => {
      await loadTensorflow(GPU_PACKAGE, writePackage(GPU_PACKAGE, { gpu: true }));
      expect(await loadTensorflow(CPU_PACKAGE, writePackage(CPU_PACKAGE, {}))).toEqual({
        ok: false,
        reason:
          'it is installed, but @tensorflow/tfjs-node-gpu is loaded in this process and a process can hold one libtensorflow',
        remedy: 'choose tfjs-node by its name',
      });
    });
  });
  test('the GPU package on the CPU is not the GPU engine, and leaves no trace in this process', async () => {
    const log = "I dso_loader.cc:144] Could not load dynamic library 'libcuda.so.1'; dlerror: no such file\n";
    expect(await loadTensorflow(GPU_PACKAGE, writePackage(GPU_PACKAGE, { log }))).toMatchObject({
      ok: false,
      reason: "libcuda.so.1 of NVIDIA's driver was not found; TensorFlow would compute on the CPU",
    });
    expect(tf.findBackendFactory('tensorflow')).toBeNull();
    // It would make the CPU package slower.
    expect(process.env.TF_ENABLE_ONEDNN_OPTS).toBeUndefined();
    expect(await loadTensorflow(CPU_PACKAGE, writePackage(CPU_PACKAGE, {}))).toMatchObject({ ok: true });
  });
  test('a GPU package that ends the process ends its own, not this one', async () => {
    const log = "Could not load dynamic library 'libcublas.so.12'; dlerror: none\n  what():  Bad StatusOr access\n";
    const then = "process.kill(process.pid, 'SIGKILL')";
    expect(await loadTensorflow(GPU_PACKAGE, writePackage(GPU_PACKAGE, { log, then }))).toMatchObject({
      ok: false,
      reason: 'TensorFlow finds no libcublas.so.12; loading it ended the process by SIGKILL (Bad StatusOr access)',
    });
  });
  test.each([CPU_PACKAGE, GPU_PACKAGE])('an error of $name is one line', async (kind) => {
    const then = "throw new Error('libtensorflow.so.2: cannot open shared object file\\nmore')";
    const load = await loadTensorflow(kind, writePackage(kind, { then }));
    expect(load).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/^(loading it failed: )?libtensorflow\.so\.2: cannot open shared object file$/),
    });
  });
  test.runIf(process.platform === 'linux').each([
    ['deps/lib/libtensorflow.so', undefined, 'libtensorflow.so is missing'],
    ['deps/lib/libtensorflow_framework.so', Buffer.alloc(0), 'libtensorflow_framework.so is no 64-bit library'],
    ['deps/lib/libtensorflow.so', cut, 'libtensorflow.so is cut off'],
    ['lib/napi-v8/tfjs_binding.node', foreign, 'tfjs_binding.node was built for linux'],
  ])('the broken file %s is named before it is loaded', async (file, content, reason) => {
    for (const kind of [CPU_PACKAGE, GPU_PACKAGE]) {
      const then = "process.kill(process.pid, 'SIGKILL')";
      const load = await loadTensorflow(kind, writePackage(kind, { then, broken: { [file]: content } }));
      expect(load).toMatchObject({ ok: false, reason: expect.stringContaining(`/${reason}`) });
    }
  });
  test('a package that is not there is not installed', async () => {
    const build = join(root, 'package.json');
    expect(await loadTensorflow({ ...GPU_PACKAGE, name: '@tensorflow/none' }, build)).toMatchObject({
      ok: false,
      reason: 'not installed',
    });
  });
});

describe('why TensorFlow uses no GPU', () => {
  const none = { gpu: false, missing: [] };
  test.each([
    [
      'no driver, which other missing libraries do not hide',
      { ...none, missing: ['libcudart.so.11.0', 'libcuda.so.1'], driverError: 'UNKNOWN ERROR (303)' },
      "libcuda.so.1 of NVIDIA's driver was not found",
      ["NVIDIA's driver, 525.60.13 or newer", "NVIDIA's driver, 450.80.02 or newer"],
    ],
    [
      'missing libraries',
      { ...none, missing: ['libcublas.so.12', 'libcudnn.so.9'] },
      'TensorFlow finds no libcublas.so.12, no libcudnn.so.9',
      ['build --cuda wheels --force', 'install CUDA 11.2 and cuDNN 8.1'],
    ],
    [
      'a driver without a device',
      { ...none, driverError: 'CUDA_ERROR_NO_DEVICE' },
      'the NVIDIA driver offers TensorFlow no device (CUDA_ERROR_NO_DEVICE)',
      ['nvidia-smi and CUDA_VISIBLE_DEVICES; CUDA 12', 'CUDA 11.2 and cuDNN 8.1 want driver 450'],
    ],
    [
      'a crash',
      { ...none, failure: 'it did not load within 120 s' },
      'it did not load within',
      ['build --force', 'build'],
    ],
  ])('%s', (_, probe, reason, [own, npm]) => {
    expect(explainNoGpu(probe, true, 'build').reason).toContain(reason);
    expect(explainNoGpu(probe, true, 'build').remedy).toContain(own);
    expect(explainNoGpu(probe, false, 'build').remedy).toContain(npm);
  });
});

// What `node tools/tfjs-node/build.mjs --gpu` made, where it was made.
const build = findWorkspaceBuild(GPU_PACKAGE.folder);
const stamp = build && JSON.parse(readFileSync(join(dirname(build), 'built.json'), 'utf8'));

describe.runIf(build)("the workspace's tfjs-node-gpu", () => {
  afterEach(() => vi.unstubAllEnvs());

  test('says that there is no driver or no device, and leaves no trace in this process', async () => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '');
    const load = await loadTensorflow(GPU_PACKAGE, build);
    expect(load).toMatchObject({ ok: false, reason: expect.stringMatching(/libcuda\S+ of NVIDIA's driver|no device/) });
    expect(tf.findBackendFactory('tensorflow')).toBeNull();
  });
  const compiles = stamp?.cuda === 'none' && spawnSync('cc', ['--version']).status === 0;
  test.runIf(compiles)('names the CUDA libraries that it lacks, where there is a driver', async () => {
    const driver = join(root, 'driver');
    mkdirSync(driver);
    const source = join(dirname(dirname(build as string)), 'test', 'fake-driver.c');
    for (const name of ['libcuda.so.1', 'libnvidia-ml.so.1']) {
      const args = ['-shared', '-fPIC', '-w', `-Wl,-soname,${name}`, '-o', join(driver, name), source];
      expect(spawnSync('cc', args).status).toBe(0);
    }
    vi.stubEnv('LD_LIBRARY_PATH', driver);
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '0');
    expect(await loadTensorflow(GPU_PACKAGE, build)).toMatchObject({
      ok: false,
      reason: expect.stringMatching(
        /^TensorFlow finds no (libcu[\w.]+, no ){5}libcu[\w.]+; loading it ended the process/,
      ),
      remedy: expect.stringMatching(/build\.mjs --gpu --cuda wheels --force$/),
    });
  });
});

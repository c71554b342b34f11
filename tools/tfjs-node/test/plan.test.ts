import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  BuildError,
  buildKey,
  compilerArguments,
  findProblems,
  isCurrent,
  parseArguments,
  pipArguments,
  selectCudaEntries,
  selectEntries,
  selectRequirements,
} from '../plan.mjs';
import { variants } from '../variants.mjs';

describe('parseArguments', () => {
  const none = { gpu: false, cuda: undefined, force: false, clean: false, help: false, wheel: undefined };

  test('reads flags and the wheel', () => {
    expect(parseArguments([])).toEqual(none);
    expect(parseArguments(['--force', '--wheel', 'a/b.whl'])).toEqual({ ...none, force: true, wheel: 'a/b.whl' });
    expect(parseArguments(['--clean'])).toEqual({ ...none, clean: true });
    expect(parseArguments(['--gpu'])).toEqual({ ...none, gpu: true });
    expect(parseArguments(['--cuda', 'system', '--gpu'])).toEqual({ ...none, gpu: true, cuda: 'system' });
  });
  test.each([
    [['--wheel'], 'expected a .whl file, got nothing'],
    [['--wheel', 'a.zip'], 'got a.zip'],
    [['--fast'], 'unknown argument --fast'],
    [['force'], 'unknown argument force'],
    [['--constructor'], 'unknown argument --constructor'],
    [['--gpu', '--cuda'], '--cuda: expected wheels, system, none, got nothing'],
    [['--gpu', '--cuda', 'toString'], 'got toString'],
    [['--cuda', 'wheels'], '--cuda is for --gpu'],
  ])('refuses %j', (list, message) => {
    expect(() => parseArguments(list)).toThrow(BuildError);
    expect(() => parseArguments(list)).toThrow(message);
  });
});

describe('findProblems', () => {
  const fine = {
    platform: 'linux',
    arch: 'x64',
    glibc: '2.17',
    cpuFlags: ['sse4_2', 'avx'],
    freeBytes: 1.5 * 2 ** 30,
    libraries: '',
    node: 'v20.19.0',
    npm: '10.8.2',
    python: 'Python 3.9.2',
    pip: 'pip 23.0',
    compiler: 'g++ 12.2.0',
  };

  const cpu = { variant: 'tfjs-node', cuda: undefined };

  test('finds none on a machine that has everything', () => {
    expect(findProblems(fine, cpu)).toEqual([]);
    expect(findProblems({ ...fine, glibc: '2.36', node: 'v24.0.1', cpuFlags: undefined }, cpu)).toEqual([]);
  });
  test.each([
    [{ platform: 'darwin', arch: 'arm64' }, 'this is darwin arm64'],
    [{ arch: 'arm64' }, 'this is linux arm64'],
    [{ glibc: undefined }, 'not glibc'],
    [{ glibc: '2.9' }, 'glibc 2.9 is older'],
    [{ cpuFlags: ['sse4_2'] }, 'no AVX'],
    [{ node: 'v20.9.0' }, 'Node v20.9.0 is older'],
    [{ npm: undefined }, 'npm was not found'],
    [{ python: undefined, pip: undefined }, 'python3 was not found'],
    [{ pip: undefined }, 'no pip'],
    [{ compiler: undefined }, 'g++ was not found'],
    [{ freeBytes: 2 ** 29 }, '0.5 GiB are free, 1.5 GiB are needed'],
  ])('names the one thing that is wrong: %j', (lack, message) => {
    expect(findProblems({ ...fine, ...lack }, cpu)).toEqual([expect.stringContaining(message)]);
  });
  test('names everything at once', () => {
    expect(findProblems({ ...fine, npm: undefined, pip: undefined, compiler: undefined }, cpu)).toHaveLength(3);
  });

  const modern = { ...fine, glibc: '2.27', freeBytes: 2.5 * 2 ** 30 };
  test.each([
    ['none', modern, []],
    ['none', { ...modern, glibc: '2.26' }, ['glibc 2.26 is older than 2.27']],
    ['wheels', modern, ['2.5 GiB are free, 8.5 GiB are needed']],
    ['system', modern, ['ldconfig -p does not list libcudart.so.12, libcublas.so.12']],
    ['none', { ...modern, platform: 'win32' }, ['npm install @tensorflow/tfjs-node-gpu']],
  ])('the GPU package with --cuda %s', (cuda, machine, messages) => {
    const expected = messages.map((message) => expect.stringContaining(message));
    expect(findProblems(machine, { variant: 'tfjs-node-gpu', cuda })).toEqual(expected);
  });
});

describe('selectEntries', () => {
  const libraries = ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'];
  const headers = ['tensorflow/include/tensorflow/c/c_api.h', 'tensorflow/include/tensorflow/c/eager/c_api.h'];

  test('takes the two libraries and the headers of the C API, wherever a release keeps them', () => {
    const others = [
      'tensorflow/include/tsl/platform/ctstring.h',
      'tensorflow/include/xla/tsl/c/tsl_status.h',
      'tensorflow/include/tensorflow/core/platform/ctstring.h',
    ];
    const pairs = selectEntries([...libraries, ...headers, ...others], 'deps', 'tensorflow');
    expect(Object.fromEntries(pairs)).toEqual({
      [libraries[0]]: 'deps/lib/libtensorflow_cc.so.2',
      [libraries[1]]: 'deps/lib/libtensorflow_framework.so.2',
      [headers[0]]: 'deps/include/tensorflow/c/c_api.h',
      [headers[1]]: 'deps/include/tensorflow/c/eager/c_api.h',
      [others[0]]: 'deps/include/tsl/platform/ctstring.h',
      [others[1]]: 'deps/include/xla/tsl/c/tsl_status.h',
      [others[2]]: 'deps/include/tensorflow/core/platform/ctstring.h',
    });
  });
  test('leaves everything else, and never writes outside deps', () => {
    const rest = [
      'tensorflow/python/_pywrap_tfe.so',
      'tensorflow/include/tensorflow/compiler/xla/ffi/api/c_api.h',
      'tensorflow/include/tensorflow/c/notes.txt',
      'tensorflow/include/tensorflow/c/../../../../../evil.h',
      'other/tensorflow/libtensorflow_cc.so.2',
    ];
    expect(selectEntries([...libraries, ...headers, ...rest], 'deps', 'tensorflow')).toHaveLength(4);
  });
  test('says what a wheel lacks', () => {
    const select = (names: string[]) => selectEntries(names, 'deps', 'tensorflow-cpu');
    expect(() => select([...libraries, headers[0]])).toThrow('no include/tensorflow/c/eager/c_api.h');
    expect(() => select(headers)).toThrow(BuildError);
    expect(() => select(headers)).toThrow('is it tensorflow-cpu?');
  });
});

test('of a CUDA wheel go libraries, and the compiler with what it reads', () => {
  const wanted = [
    'nvidia/cudnn/lib/libcudnn_ops.so.9',
    'nvidia/cuda_nvcc/bin/ptxas',
    'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc',
  ];
  const others = [
    'nvidia/cudnn/lib/__init__.py',
    'nvidia/cudnn/include/cudnn.h',
    'nvidia/cuda_nvcc/nvvm/../../../../evil.bc',
    'nvidia_cudnn_cu12-9.3.0.75.dist-info/License.txt',
  ];
  expect(selectCudaEntries([...wanted, ...others], 'deps')).toEqual(wanted.map((name) => [name, `deps/${name}`]));
});

const pinned = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');

test('pip is asked for the same files whatever Python runs it, with their hashes', () => {
  const list = pipArguments('requirements.txt', 'download');
  expect(list).toEqual(expect.arrayContaining(['--no-deps', '--only-binary=:all:', '--abi', 'cp311']));
  for (const { requirements, wheel } of Object.values(variants)) {
    const [line, ...rest] = selectRequirements(pinned(requirements), undefined);
    expect(line).toMatch(new RegExp(`^${wheel}==[\\d.]+ --hash=sha256:[0-9a-f]{64}$`));
    expect(rest).toEqual([]);
  }
  for (const line of selectRequirements(pinned('requirements-cuda.txt'), undefined)) {
    expect(line).toMatch(/^nvidia-[a-z-]+-cu12==[\d.]+ --hash=sha256:[0-9a-f]{64}$/);
  }
});

test('the binding finds its libraries from where it lies', () => {
  expect(compilerArguments('headers')).toEqual(
    expect.arrayContaining(['-Iheaders', '-DNAPI_VERSION=8', '-Wl,-rpath,$ORIGIN/../../deps/lib']),
  );
});

describe('isCurrent', () => {
  const key = buildKey('tfjs-node', 'requirements', 'linux-x64');
  const stamp = { key, wheel: 'a.whl' };

  test('a build made the same way will do, unless another wheel is asked for', () => {
    expect(isCurrent(stamp, { key })).toBe(true);
    expect(isCurrent(stamp, { key, wheel: 'folder/a.whl' })).toBe(true);
    expect(isCurrent(stamp, { key, wheel: 'b.whl' })).toBe(false);
    expect(isCurrent(undefined, { key })).toBe(false);
  });
  test('another package, other requirements or another system are another build', () => {
    expect(buildKey('tfjs-node', 'requirements', 'linux-x64')).toBe(key);
    for (const other of [
      buildKey('tfjs-node', 'others', 'linux-x64'),
      buildKey('tfjs-node', 'requirements', 'linux-arm64'),
      buildKey('tfjs-node-gpu', 'requirements', 'linux-x64'),
    ]) {
      expect(isCurrent(stamp, { key: other })).toBe(false);
    }
  });
  test.each([
    ['none', 'none', true],
    ['wheels', 'none', true],
    ['none', 'wheels', false],
    ['wheels', 'system', false],
    ['system', 'wheels', false],
  ])('with CUDA from %s, asked for %s: %s', (cuda, wanted, current) => {
    expect(isCurrent({ ...stamp, cuda }, { key, cuda: wanted })).toBe(current);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  BuildError,
  buildKey,
  bytesNeeded,
  compilerArguments,
  findProblems,
  isCurrent,
  parseArguments,
  pipArguments,
  selectEntries,
} from '../plan.mjs';

describe('parseArguments', () => {
  const none = { force: false, clean: false, help: false, wheel: undefined };

  test('reads flags and the wheel', () => {
    expect(parseArguments([])).toEqual(none);
    expect(parseArguments(['--force', '--wheel', 'a/b.whl'])).toEqual({ ...none, force: true, wheel: 'a/b.whl' });
    expect(parseArguments(['--clean'])).toEqual({ ...none, clean: true });
  });
  test.each([
    [['--wheel'], 'expected a .whl file, got nothing'],
    [['--wheel', 'a.zip'], 'got a.zip'],
    [['--fast'], 'unknown argument --fast'],
    [['force'], 'unknown argument force'],
    [['--constructor'], 'unknown argument --constructor'],
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
    freeBytes: bytesNeeded,
    node: 'v20.19.0',
    npm: '10.8.2',
    python: 'Python 3.9.2',
    pip: 'pip 23.0',
    compiler: 'g++ 12.2.0',
  };

  test('finds none on a machine that has everything', () => {
    expect(findProblems(fine)).toEqual([]);
    expect(findProblems({ ...fine, glibc: '2.36', node: 'v24.0.1', cpuFlags: undefined })).toEqual([]);
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
    [{ freeBytes: bytesNeeded / 3 }, '0.5 GiB are free, 1.5 GiB are needed'],
  ])('names the one thing that is wrong: %j', (lack, message) => {
    expect(findProblems({ ...fine, ...lack })).toEqual([expect.stringContaining(message)]);
  });
  test('names everything at once', () => {
    expect(findProblems({ ...fine, npm: undefined, pip: undefined, compiler: undefined })).toHaveLength(3);
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
    const pairs = selectEntries([...libraries, ...headers, ...others], 'deps');
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
    expect(selectEntries([...libraries, ...headers, ...rest], 'deps')).toHaveLength(4);
  });
  test('says what a wheel lacks', () => {
    expect(() => selectEntries([...libraries, headers[0]], 'deps')).toThrow('no include/tensorflow/c/eager/c_api.h');
    expect(() => selectEntries(headers, 'deps')).toThrow(BuildError);
  });
});

test('pip is asked for the same file whatever Python runs it, with its hash', () => {
  const list = pipArguments('requirements.txt', 'download');
  expect(list).toEqual(expect.arrayContaining(['--no-deps', '--only-binary=:all:', '--abi', 'cp311']));
  const requirements = readFileSync(new URL('../requirements.txt', import.meta.url), 'utf8');
  expect(requirements).toMatch(/^tensorflow-cpu==[\d.]+ --hash=sha256:[0-9a-f]{64}$/m);
});

test('the binding finds its libraries from where it lies', () => {
  expect(compilerArguments('headers')).toEqual(
    expect.arrayContaining(['-Iheaders', '-DNAPI_VERSION=8', '-Wl,-rpath,$ORIGIN/../../deps/lib']),
  );
});

describe('isCurrent', () => {
  const key = buildKey('requirements', 'linux-x64');
  const stamp = { key, wheel: 'a.whl' };

  test('a build made the same way will do, unless another wheel is asked for', () => {
    expect(isCurrent(stamp, { key })).toBe(true);
    expect(isCurrent(stamp, { key, wheel: 'folder/a.whl' })).toBe(true);
    expect(isCurrent(stamp, { key, wheel: 'b.whl' })).toBe(false);
    expect(isCurrent(undefined, { key })).toBe(false);
  });
  test('other requirements or another system are another build', () => {
    expect(buildKey('requirements', 'linux-x64')).toBe(key);
    expect(isCurrent(stamp, { key: buildKey('others', 'linux-x64') })).toBe(false);
    expect(isCurrent(stamp, { key: buildKey('requirements', 'linux-arm64') })).toBe(false);
  });
});

// The decisions of build.mjs, without its effects.
import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';

/** What is installed from npm; tfjs-core and the cpu backend are then replaced by the workspace's. */
export const packages = { '@tensorflow/tfjs-node': '4.22.0', 'node-api-headers': '1.9.0' };

/** Packages of the workspace that the build must share, see verify.cjs. */
export const shared = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-cpu'];

/** Bytes that a build takes at its peak: the wheel, what is copied out of it, the npm packages. */
export const bytesNeeded = 1.5 * 2 ** 30;

export const usage = `usage: node tools/tfjs-node/build.mjs [--force] [--wheel <file>] [--clean] [--help]

Builds @tensorflow/tfjs-node against the libtensorflow of the PyPI wheel tensorflow-cpu, into tools/tfjs-node/build.
Does nothing when that is done already.

  --force         build again from nothing
  --wheel <file>  use this tensorflow-cpu wheel instead of downloading the pinned one
  --clean         delete the build
  --help          show this`;

/** A mistake of the caller, or something this machine lacks: shown without a stack. */
export class BuildError extends Error {}

/** Reads the command line: { force, clean, help, wheel }. */
export function parseArguments(list) {
  const options = { force: false, clean: false, help: false, wheel: undefined };
  for (let i = 0; i < list.length; i++) {
    const name = list[i].replace(/^--/, '');
    if (list[i] === '--wheel') {
      const file = list[++i];
      if (!file?.endsWith('.whl')) throw new BuildError(`--wheel: expected a .whl file, got ${file ?? 'nothing'}`);
      options.wheel = file;
    } else if (list[i].startsWith('--') && typeof options[name] === 'boolean') {
      options[name] = true;
    } else {
      throw new BuildError(`unknown argument ${list[i]}\n\n${usage}`);
    }
  }
  return options;
}

/**
 * What this machine lacks for a build, a line each with what to do about it.
 *
 * @param machine { platform, arch, glibc, cpuFlags, freeBytes } and versions of the tools, undefined where absent:
 *   { node, npm, python, pip, compiler }
 */
export function findProblems({ platform, arch, glibc, cpuFlags, freeBytes, node, npm, python, pip, compiler }) {
  const problems = [];
  if (platform !== 'linux' || arch !== 'x64') {
    problems.push(
      `this is ${platform} ${arch}; the wheel is for Linux on x64. npm install @tensorflow/tfjs-node downloads a binding`,
    );
    return problems;
  }
  if (glibc === undefined) problems.push('the C library is not glibc (Alpine?); the wheel wants glibc 2.17 or newer');
  else if (atLeast(glibc, [2, 17]) === false) problems.push(`glibc ${glibc} is older than 2.17`);
  if (cpuFlags !== undefined && !cpuFlags.includes('avx'))
    problems.push('this processor has no AVX; the wheel needs it');
  if (!atLeast(node, [20, 19])) problems.push(`Node ${node} is older than 20.19`);
  if (npm === undefined) problems.push('npm was not found; it comes with Node');
  if (python === undefined)
    problems.push('python3 was not found (Debian, Ubuntu: apt-get install python3 python3-pip)');
  else if (pip === undefined) problems.push('python3 has no pip (Debian, Ubuntu: apt-get install python3-pip)');
  if (compiler === undefined) problems.push('g++ was not found (Debian, Ubuntu: apt-get install g++), or set CXX');
  if (freeBytes < bytesNeeded) {
    problems.push(`${gib(freeBytes)} GiB are free, ${gib(bytesNeeded)} GiB are needed`);
  }
  return problems;
}

function gib(bytes) {
  return (bytes / 2 ** 30).toFixed(1);
}

/** Whether a version like `2.36` is at least [major, minor]. */
function atLeast(version, [major, minor]) {
  const [a, b] = version.replace(/^v/, '').split('.').map(Number);
  return a > major || (a === major && b >= minor);
}

/** pip's arguments for the pinned wheel: the same file for every Python. */
export function pipArguments(requirements, folder) {
  const target = ['--implementation', 'cp', '--python-version', '3.11', '--abi', 'cp311'];
  const platforms = ['--platform', 'manylinux2014_x86_64', '--platform', 'manylinux_2_17_x86_64'];
  const quiet = ['--disable-pip-version-check', '--progress-bar', 'off'];
  return ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', ...target, ...platforms, ...quiet].concat([
    '--requirement',
    requirements,
    '--dest',
    folder,
  ]);
}

const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
const header = /^tensorflow\/include\/((?:(?:xla\/)?tsl\/(?:c|platform)|tensorflow\/(?:c|core\/platform))\/.+\.h)$/;

/**
 * Which members of the wheel become which files of tfjs-node's `deps`: the two libraries and the headers of the C API.
 *
 * @param names members of the wheel
 * @param deps folder
 * @returns pairs [member, file]
 * @throws BuildError for a wheel without them
 */
export function selectEntries(names, deps) {
  const pairs = [];
  for (const name of names) {
    const library = libraries.find((file) => name === `tensorflow/${file}`);
    const include = header.exec(name)?.[1];
    if (library) pairs.push([name, join(deps, 'lib', library)]);
    else if (include && !include.split('/').includes('..')) pairs.push([name, join(deps, 'include', include)]);
  }
  const found = new Set(pairs.map(([name]) => name));
  const wanted = [...libraries, 'include/tensorflow/c/c_api.h', 'include/tensorflow/c/eager/c_api.h'];
  const missing = wanted.filter((file) => !found.has(`tensorflow/${file}`));
  if (missing.length > 0) throw new BuildError(`the wheel has no ${missing.join(', no ')}; is it tensorflow-cpu?`);
  return pairs;
}

/** Links in `deps/lib` that the linker asks for: [name, target]. */
export const links = [
  ['libtensorflow.so', libraries[0]],
  ['libtensorflow_framework.so', libraries[1]],
];

/** The compiler's arguments, to be run in the folder of tfjs-node: its two sources as they are. */
export function compilerArguments(napiHeaders) {
  return [
    ...['-std=gnu++17', '-O2', '-fPIC', '-shared', '-w', '-DNAPI_VERSION=8'],
    ...['-I..', '-I.', '-Ideps/include', `-I${napiHeaders}`],
    ...['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc', '-o', 'lib/napi-v8/tfjs_binding.node'],
    ...['-Ldeps/lib', '-ltensorflow', '-ltensorflow_framework', '-Wl,-rpath,$ORIGIN/../../deps/lib'],
  ];
}

/** Changes when builds made before no longer do. */
export function buildKey(requirements, target) {
  const parts = [packages, shared, requirements, target, compilerArguments('')];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** Whether a build will do: it was made the way that is wanted, and of the wheel that was asked for, if any. */
export function isCurrent(stamp, { key, wheel }) {
  return stamp !== undefined && stamp.key === key && (wheel === undefined || stamp.wheel === basename(wheel));
}

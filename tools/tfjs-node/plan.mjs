// The decisions of build.mjs, without its effects.
import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { cudaServes, cudaSources, missingFromSystem, variants } from './variants.mjs';

/** The release of tfjs that is built; the workspace must have the same. */
export const release = '4.22.0';

/** What is installed from npm for a variant; tfjs-core and the cpu backend are then replaced by the workspace's. */
export function packagesOf(variant) {
  return { [variants[variant].package]: release, 'node-api-headers': '1.9.0' };
}

/** Packages of the workspace that the build must share, see verify.cjs. */
export const shared = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-cpu'];

export const usage = `usage: node tools/tfjs-node/build.mjs [--gpu [--cuda wheels|system|none]] [--force] [--wheel <file>] [--clean] [--help]

Builds @tensorflow/tfjs-node against the libtensorflow of the PyPI wheel tensorflow-cpu, into tools/tfjs-node/build; with --gpu
@tensorflow/tfjs-node-gpu against that of the wheel tensorflow (CUDA 12, cuDNN 9), into tools/tfjs-node/build-gpu.
Does nothing when that is done already.

  --gpu           the GPU package
  --cuda wheels   its CUDA libraries from PyPI (2 GB): the default where there is an NVIDIA driver
         system   its CUDA libraries from the system: CUDA 12 and cuDNN 9 that ldconfig knows
         none     no CUDA libraries but libcudart: computes on the CPU; the default where there is no driver
  --force         build again from nothing
  --wheel <file>  use this wheel of libtensorflow instead of downloading the pinned one
  --clean         delete the build
  --help          show this`;

/** A mistake of the caller, or something this machine lacks: shown without a stack. */
export class BuildError extends Error {}

/** Reads the command line: { gpu, cuda, force, clean, help, wheel }. */
export function parseArguments(list) {
  const options = { gpu: false, force: false, clean: false, help: false, wheel: undefined, cuda: undefined };
  for (let i = 0; i < list.length; i++) {
    const name = list[i].replace(/^--/, '');
    if (list[i] === '--wheel') {
      const file = list[++i];
      if (!file?.endsWith('.whl')) throw new BuildError(`--wheel: expected a .whl file, got ${file ?? 'nothing'}`);
      options.wheel = file;
    } else if (list[i] === '--cuda') {
      const source = list[++i] ?? 'nothing';
      if (!Object.hasOwn(cudaSources, source)) {
        throw new BuildError(`--cuda: expected ${Object.keys(cudaSources).join(', ')}, got ${source}`);
      }
      options.cuda = source;
    } else if (list[i].startsWith('--') && typeof options[name] === 'boolean') {
      options[name] = true;
    } else {
      throw new BuildError(`unknown argument ${list[i]}\n\n${usage}`);
    }
  }
  if (options.cuda !== undefined && !options.gpu) throw new BuildError('--cuda is for --gpu');
  return options;
}

/**
 * What this machine lacks for a build, a line each with what to do about it.
 *
 * @param machine { platform, arch, glibc, cpuFlags, freeBytes, libraries (`ldconfig -p`) } and versions of the tools,
 *   undefined where absent: { node, npm, python, pip, compiler }
 * @param wanted { variant, cuda }; cuda for the GPU package only
 */
export function findProblems(machine, { variant, cuda }) {
  const { platform, arch, glibc, cpuFlags, freeBytes, libraries, node, npm, python, pip, compiler } = machine;
  const { package: name, glibc: oldest, bytesNeeded } = variants[variant];
  const problems = [];
  if (platform !== 'linux' || arch !== 'x64') {
    problems.push(
      `this is ${platform} ${arch}; the wheel is for Linux on x64. npm install ${name} downloads a binding`,
    );
    return problems;
  }
  const since = oldest.join('.');
  if (glibc === undefined)
    problems.push(`the C library is not glibc (Alpine?); the wheel wants glibc ${since} or newer`);
  else if (atLeast(glibc, oldest) === false) problems.push(`glibc ${glibc} is older than ${since}`);
  if (cpuFlags !== undefined && !cpuFlags.includes('avx'))
    problems.push('this processor has no AVX; the wheel needs it');
  if (!atLeast(node, [20, 19])) problems.push(`Node ${node} is older than 20.19`);
  if (npm === undefined) problems.push('npm was not found; it comes with Node');
  if (python === undefined)
    problems.push('python3 was not found (Debian, Ubuntu: apt-get install python3 python3-pip)');
  else if (pip === undefined) problems.push('python3 has no pip (Debian, Ubuntu: apt-get install python3-pip)');
  if (compiler === undefined) problems.push('g++ was not found (Debian, Ubuntu: apt-get install g++), or set CXX');
  const bytes = bytesNeeded + (cuda === undefined ? 0 : cudaSources[cuda].bytesNeeded);
  if (freeBytes < bytes) problems.push(`${gib(freeBytes)} GiB are free, ${gib(bytes)} GiB are needed`);
  const missing = cuda === 'system' ? missingFromSystem(libraries) : [];
  if (missing.length > 0) {
    problems.push(
      `ldconfig -p does not list ${missing.join(', ')}: install CUDA 12 and cuDNN 9, or take --cuda wheels`,
    );
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

/** pip's arguments for pinned wheels: the same files for every Python. */
export function pipArguments(requirements, folder) {
  const target = ['--implementation', 'cp', '--python-version', '3.11', '--abi', 'cp311'];
  const tags = ['manylinux2014_x86_64', 'manylinux_2_17_x86_64', 'manylinux_2_27_x86_64'];
  const platforms = tags.flatMap((tag) => ['--platform', tag]);
  const quiet = ['--disable-pip-version-check', '--progress-bar', 'off'];
  return ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', ...target, ...platforms, ...quiet].concat([
    '--requirement',
    requirements,
    '--dest',
    folder,
  ]);
}

/** The lines of a requirements file for these PyPI projects; all of them where `projects` is undefined. */
export function selectRequirements(text, projects) {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.filter((line) => projects === undefined || projects.includes(line.split('==')[0]));
}

const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
const header = /^tensorflow\/include\/((?:(?:xla\/)?tsl\/(?:c|platform)|tensorflow\/(?:c|core\/platform))\/.+\.h)$/;

/**
 * Which members of the wheel become which files of tfjs-node's `deps`: the two libraries and the headers of the C API.
 *
 * @param names members of the wheel
 * @param deps folder
 * @param project the PyPI project that the wheel should be of
 * @returns pairs [member, file]
 * @throws BuildError for a wheel without them
 */
export function selectEntries(names, deps, project) {
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
  if (missing.length > 0) throw new BuildError(`the wheel has no ${missing.join(', no ')}; is it ${project}?`);
  return pairs;
}

const cudaMember = /^nvidia\/\w+\/(?:lib\/[^/]+\.so[.\d]*|bin\/[^/]+|nvvm\/(?:[^/]+\/)*[^/]+)$/;

/** Which members of a CUDA wheel become which files of `deps`: libraries, and the compiler ptxas with what it reads. */
export function selectCudaEntries(names, deps) {
  const chosen = names.filter((name) => cudaMember.test(name) && !name.split('/').includes('..'));
  return chosen.map((name) => [name, join(deps, name)]);
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
export function buildKey(variant, requirements, target) {
  const parts = [packagesOf(variant), shared, requirements, target, compilerArguments('')];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** Whether a build will do: made the way that is wanted, of the wheel that was asked for, if any, with its CUDA libraries. */
export function isCurrent(stamp, { key, wheel, cuda }) {
  if (stamp === undefined || stamp.key !== key) return false;
  return (
    (wheel === undefined || stamp.wheel === basename(wheel)) && (cuda === undefined || cudaServes(stamp.cuda, cuda))
  );
}

// Builds @tensorflow/tfjs-node or tfjs-node-gpu against the libtensorflow of a PyPI wheel; see README.md. `--help` shows the options.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BuildError,
  buildKey,
  compilerArguments,
  findProblems,
  isCurrent,
  links,
  packagesOf,
  parseArguments,
  pipArguments,
  release,
  selectCudaEntries,
  selectEntries,
  selectRequirements,
  shared,
  usage,
} from './plan.mjs';
import { cudaLinks, cudaSources, defaultCuda, variants } from './variants.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const { CXX: compiler } = { CXX: 'g++', ...process.env };

/** Where a variant is built: its folder, the stamp of a finished build, and the package inside. */
function placesOf(variant) {
  const build = join(here, variants[variant].folder);
  const folder = join(build, 'node_modules', ...variants[variant].package.split('/'));
  return { build, stamp: join(build, 'built.json'), folder, deps: join(folder, 'deps') };
}

/** Runs a program; its standard output, or undefined where it cannot be started or fails. */
function ask(command, args, input) {
  const result = spawnSync(command, args, { encoding: 'utf8', input, maxBuffer: 2 ** 28 });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** Runs a program that must succeed; its output is shown when it does not. */
function run(what, command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28, ...options });
  if (result.status === 0) return result.stdout.trim();
  const why = result.error?.message ?? (result.signal ? `ended by ${result.signal}` : `status ${result.status}`);
  throw new BuildError(`${what} failed (${why}): ${[command, ...args].join(' ')}\n${result.stderr}${result.stdout}`);
}

/** Numbers the steps as they are printed. */
function steps(total) {
  let step = 0;
  return (text) => console.log(`[${++step}/${total}] ${text}`);
}

/** Whether the system has NVIDIA's kernel driver, or libcuda (in a container, under WSL). */
function hasDriver(libraries) {
  return existsSync('/proc/driver/nvidia/version') || /^\s*libcuda\.so\.1 /m.test(libraries);
}

function machine() {
  const cpuinfo = '/proc/cpuinfo';
  return {
    platform: process.platform,
    arch: process.arch,
    glibc: process.report.getReport().header.glibcVersionRuntime,
    cpuFlags: existsSync(cpuinfo) ? /^flags\s*:(.*)$/m.exec(readFileSync(cpuinfo, 'utf8'))?.[1].split(' ') : undefined,
    freeBytes: ((space) => space.bavail * space.bsize)(statfsSync(here)),
    libraries: ask('ldconfig', ['-p']) ?? ask('/sbin/ldconfig', ['-p']) ?? '',
    node: process.version,
    npm: ask('npm', ['--version']),
    python: ask('python3', ['--version']),
    pip: ask('python3', ['-m', 'pip', '--version']),
    compiler: ask(compiler, ['--version']),
  };
}

/** Checks that the workspace has the versions that tfjs-node 4.22 is made for. */
function checkWorkspace() {
  for (const name of shared) {
    const file = join(root, 'node_modules', name, 'package.json');
    if (!existsSync(file)) throw new BuildError(`${name} is not installed in the workspace: npm run build installs it`);
    const { version } = JSON.parse(readFileSync(file, 'utf8'));
    if (version !== release) {
      throw new BuildError(`the workspace has ${name} ${version}, expected ${release}`);
    }
  }
}

function installPackages(variant) {
  const { build } = placesOf(variant);
  const dependencies = packagesOf(variant);
  const manifest = { private: true, description: 'made by tools/tfjs-node/build.mjs', dependencies };
  writeFileSync(join(build, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  // Its install script would download libtensorflow.
  run('npm install', 'npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'], {
    cwd: build,
  });
  for (const name of shared) {
    const copy = join(build, 'node_modules', name);
    rmSync(copy, { recursive: true });
    symlinkSync(relative(dirname(copy), join(root, 'node_modules', name)), copy);
  }
}

/** The wheel given, or the pinned one. */
function findWheel(variant, given) {
  if (given !== undefined) {
    if (!existsSync(given)) throw new BuildError(`--wheel: ${given} does not exist`);
    return resolve(given);
  }
  const [wheel] = download(variant, join(here, variants[variant].requirements), 'libtensorflow');
  return wheel;
}

/** Downloads pinned wheels; those that were finished before are used again. */
function download(variant, requirements, name) {
  const folder = join(placesOf(variant).build, 'download', name);
  run('the download', 'python3', pipArguments(requirements, folder));
  return readdirSync(folder)
    .filter((file) => file.endsWith('.whl'))
    .map((file) => join(folder, file));
}

/** Copies the members of a wheel that `select` chooses. */
function copyFromWheel(wheel, select) {
  const extract = join(here, 'extract.py');
  const names = JSON.parse(run('reading the wheel', 'python3', [extract, 'list', wheel]));
  const input = JSON.stringify(select(names));
  run('copying out of the wheel', 'python3', [extract, 'copy', wheel], { input });
}

function copyTensorflow(variant, wheel) {
  const { deps } = placesOf(variant);
  rmSync(deps, { recursive: true, force: true });
  copyFromWheel(wheel, (names) => selectEntries(names, deps, variants[variant].wheel));
  for (const [name, target] of links) symlinkSync(target, join(deps, 'lib', name));
}

function copyCuda(variant, cuda) {
  const { build, deps } = placesOf(variant);
  const lines = selectRequirements(readFileSync(join(here, 'requirements-cuda.txt'), 'utf8'), cudaSources[cuda].wheels);
  if (lines.length === 0) return;
  const requirements = join(build, 'requirements-cuda.txt');
  writeFileSync(requirements, `${lines.join('\n')}\n`);
  for (const wheel of download(variant, requirements, 'cuda')) {
    copyFromWheel(wheel, (names) => selectCudaEntries(names, deps));
    rmSync(wheel);
  }
  for (const [name, target] of cudaLinks) {
    if (existsSync(join(deps, name, '..', target))) symlinkSync(target, join(deps, name));
  }
}

function compile(variant) {
  const { build, folder } = placesOf(variant);
  mkdirSync(join(folder, 'lib', 'napi-v8'), { recursive: true });
  const headers = join(realpathSync(join(build, 'node_modules', 'node-api-headers')), 'include');
  run('compiling the binding', compiler, compilerArguments(headers), { cwd: folder });
}

/** Loads the build beside the workspace's tfjs-core: what it says of itself. */
function verify(variant) {
  const files = [join(placesOf(variant).build, 'package.json'), join(root, 'package.json')];
  const script = ['--require', join(here, 'shim.cjs'), join(here, 'verify.cjs'), ...files, variants[variant].package];
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '1', TF_FORCE_GPU_ALLOW_GROWTH: 'true' };
  return JSON.parse(run('loading the build', process.execPath, script, { env }));
}

/**
 * Makes the build unless it is there.
 *
 * @throws BuildError that says what is missing or went wrong
 */
export function buildTfjsNode({ gpu = false, cuda, force = false, wheel } = {}) {
  const variant = gpu ? 'tfjs-node-gpu' : 'tfjs-node';
  const { package: name, requirements, download: size, unpacked, wheel: project } = variants[variant];
  const { build, stamp } = placesOf(variant);
  const found = machine();
  const source = gpu ? (cuda ?? defaultCuda(hasDriver(found.libraries))) : undefined;
  const pins = [requirements, ...(gpu ? ['requirements-cuda.txt'] : [])];
  const texts = pins.map((file) => readFileSync(join(here, file), 'utf8'));
  const key = buildKey(variant, texts.join('\n'), `${process.platform}-${process.arch}`);
  const last = existsSync(stamp) ? JSON.parse(readFileSync(stamp, 'utf8')) : undefined;
  if (!force && isCurrent(last, { key, wheel, cuda: source })) {
    console.log(`${relative(process.cwd(), build) || build} is built already; --force builds it again`);
    return;
  }
  const started = Date.now();
  const progress = steps(gpu ? 7 : 6);
  progress('Checking tools');
  const problems = findProblems(found, { variant, cuda: source });
  if (problems.length > 0) throw new BuildError(`${variant} cannot be built here:\n- ${problems.join('\n- ')}`);
  checkWorkspace();
  if (force) rmSync(build, { recursive: true, force: true });
  rmSync(stamp, { force: true });
  mkdirSync(build, { recursive: true });
  progress(`Installing ${name} from npm without its install script`);
  installPackages(variant);
  progress(wheel ? `Using ${wheel}` : `Downloading the ${project} wheel from PyPI, ${size}`);
  const file = findWheel(variant, wheel);
  progress(`Copying libtensorflow and its C headers out of the wheel, ${unpacked}`);
  copyTensorflow(variant, file);
  if (source !== undefined) {
    progress(cudaSources[source].download);
    copyCuda(variant, source);
  }
  progress(`Compiling the binding with ${compiler}`);
  compile(variant);
  progress('Loading it beside the tfjs-core of the workspace');
  const { tensorflow, device } = verify(variant);
  rmSync(join(build, 'download'), { recursive: true, force: true });
  const made = { key, wheel: basename(file), tensorflow, cuda: source, packages: packagesOf(variant) };
  writeFileSync(stamp, `${JSON.stringify(made, null, 2)}\n`);
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  console.log(`Built with TensorFlow ${tensorflow} in ${seconds} s; it computes on the ${device}`);
}

function main() {
  const { help, clean, ...options } = parseArguments(process.argv.slice(2));
  const { build } = placesOf(options.gpu ? 'tfjs-node-gpu' : 'tfjs-node');
  if (help) console.log(usage);
  else if (clean) rmSync(build, { recursive: true, force: true });
  else buildTfjsNode(options);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    main();
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

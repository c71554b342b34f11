// Builds @tensorflow/tfjs-node against the libtensorflow of a PyPI wheel; see README.md. `--help` shows the options.
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
  packages,
  parseArguments,
  pipArguments,
  selectEntries,
  shared,
  usage,
} from './plan.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const build = join(here, 'build');
const stamp = join(build, 'built.json');
const tfjsNode = join(build, 'node_modules', '@tensorflow', 'tfjs-node');
const { CXX: compiler } = { CXX: 'g++', ...process.env };

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

let step = 0;
function progress(text) {
  console.log(`[${++step}/6] ${text}`);
}

function machine() {
  const cpuinfo = '/proc/cpuinfo';
  return {
    platform: process.platform,
    arch: process.arch,
    glibc: process.report.getReport().header.glibcVersionRuntime,
    cpuFlags: existsSync(cpuinfo) ? /^flags\s*:(.*)$/m.exec(readFileSync(cpuinfo, 'utf8'))?.[1].split(' ') : undefined,
    freeBytes: ((space) => space.bavail * space.bsize)(statfsSync(here)),
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
    if (version !== packages['@tensorflow/tfjs-node']) {
      throw new BuildError(`the workspace has ${name} ${version}, expected ${packages['@tensorflow/tfjs-node']}`);
    }
  }
}

function installPackages() {
  const manifest = { private: true, description: 'made by tools/tfjs-node/build.mjs', dependencies: packages };
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

/** The wheel given, or the pinned one; a download that was finished before is used again. */
function findWheel(given) {
  if (given !== undefined) {
    if (!existsSync(given)) throw new BuildError(`--wheel: ${given} does not exist`);
    return resolve(given);
  }
  const folder = join(build, 'download');
  run('the download', 'python3', pipArguments(join(here, 'requirements.txt'), folder));
  return join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.whl')),
  );
}

function copyFromWheel(wheel) {
  const extract = join(here, 'extract.py');
  const names = JSON.parse(run('reading the wheel', 'python3', [extract, 'list', wheel]));
  const deps = join(tfjsNode, 'deps');
  rmSync(deps, { recursive: true, force: true });
  const input = JSON.stringify(selectEntries(names, deps));
  run('copying out of the wheel', 'python3', [extract, 'copy', wheel], { input });
  for (const [name, target] of links) symlinkSync(target, join(deps, 'lib', name));
}

function compile() {
  mkdirSync(join(tfjsNode, 'lib', 'napi-v8'), { recursive: true });
  const headers = join(realpathSync(join(build, 'node_modules', 'node-api-headers')), 'include');
  run('compiling the binding', compiler, compilerArguments(headers), { cwd: tfjsNode });
}

function verify() {
  const files = [join(build, 'package.json'), join(root, 'package.json')];
  return run(
    'loading the build',
    process.execPath,
    ['--require', join(here, 'shim.cjs'), join(here, 'verify.cjs'), ...files],
    {
      env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '1' },
    },
  );
}

/**
 * Makes the build unless it is there.
 *
 * @throws BuildError that says what is missing or went wrong
 */
export function buildTfjsNode({ force = false, wheel } = {}) {
  const target = `${process.platform}-${process.arch}`;
  const key = buildKey(readFileSync(join(here, 'requirements.txt'), 'utf8'), target);
  const last = existsSync(stamp) ? JSON.parse(readFileSync(stamp, 'utf8')) : undefined;
  if (!force && isCurrent(last, { key, wheel })) {
    console.log(`${relative(process.cwd(), build) || build} is built already; --force builds it again`);
    return;
  }
  const started = Date.now();
  progress('Checking tools');
  const problems = findProblems(machine());
  if (problems.length > 0) throw new BuildError(`tfjs-node cannot be built here:\n- ${problems.join('\n- ')}`);
  checkWorkspace();
  if (force) rmSync(build, { recursive: true, force: true });
  rmSync(stamp, { force: true });
  mkdirSync(build, { recursive: true });
  progress('Installing @tensorflow/tfjs-node from npm without its install script');
  installPackages();
  progress(wheel ? `Using ${wheel}` : 'Downloading the tensorflow-cpu wheel from PyPI, 0.2 GB');
  const file = findWheel(wheel);
  progress('Copying libtensorflow and its C headers out of the wheel, 0.6 GB');
  copyFromWheel(file);
  progress(`Compiling the binding with ${compiler}`);
  compile();
  progress('Loading it beside the tfjs-core of the workspace');
  const tensorflow = verify();
  rmSync(join(build, 'download'), { recursive: true, force: true });
  writeFileSync(stamp, `${JSON.stringify({ key, wheel: basename(file), tensorflow, packages }, null, 2)}\n`);
  console.log(`Built with TensorFlow ${tensorflow} in ${((Date.now() - started) / 1000).toFixed(0)} s`);
}

function main() {
  const { help, clean, ...options } = parseArguments(process.argv.slice(2));
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

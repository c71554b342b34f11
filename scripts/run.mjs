// `npm run demo`, `npm test`, `npm run check`, ...: sets everything up on a machine that has only git and Node, then does
// the job. Usage: node scripts/run.mjs <demo|test|test:engines|test:browser|check|docs|smoke|build|example|bench> [arguments
// of the job]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findChromium, NoChromiumError } from '../test/browser/find-chromium.mjs';
import { prepareWebgpu, WebgpuError } from '../tools/webgpu/setup.mjs';
import { headComment } from './command-line.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { packageManager, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const windows = process.platform === 'win32';
const started = Date.now();
let step = 0;

function say(text) {
  console.log(`\n[${++step}] ${text}  (${((Date.now() - started) / 1000).toFixed(0)} s)`);
}

function fail(text, code = 1) {
  console.error(`\n${text}`);
  process.exit(code);
}

function run(command, args, env = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: windows && command === 'npx', // a .cmd file, which nothing else starts
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', ...env },
  });
  if (result.error) fail(`${command} could not be started: ${result.error.message}`);
  if (result.signal) process.exit(130);
  if (result.status !== 0) process.exit(result.status);
}

/** Runs a program of the workspace through pnpm at the pinned version; npx fetches pnpm when it is not cached yet. */
function pnpm(args, env) {
  run('npx', ['--yes', packageManager, ...args], env);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Node ${engines.node} is needed, this is ${process.versions.node}`);
  }
}

// Installs from the lock file unless what is installed was made from this very lock file. With `site` also what only the site
// of the documentation needs: the demo and the tests do without.
function install({ site = false } = {}) {
  const stamp = (name) => join(root, 'node_modules', '.cache', 'learngene', name);
  const lock = readFileSync(join(root, 'pnpm-lock.yaml'));
  const key = createHash('sha256').update(lock).update(process.version).update(process.platform).digest('hex');
  const isCurrent = (name) => existsSync(stamp(name)) && readFileSync(stamp(name), 'utf8') === key;
  if (isCurrent('installed-with-site') || (!site && isCurrent('installed'))) {
    say('Dependencies are installed');
    return;
  }
  say(`Installing dependencies from the lock file with ${packageManager}`);
  pnpm(['install', '--frozen-lockfile', '--prefer-offline', ...(site ? [] : ['--filter=!@learngene/docs'])]);
  const name = site ? 'installed-with-site' : 'installed';
  mkdirSync(join(stamp(name), '..'), { recursive: true });
  writeFileSync(stamp(name), key);
}

function build() {
  say('Building the packages (turbo, cached)');
  pnpm(['exec', 'turbo', 'run', 'build', '--output-logs=errors-only', '--log-order=grouped']);
}

/** The site of the documentation, with the API reference by typedoc; a dead link is an error. */
function buildSite() {
  say('typedoc and VitePress: the API reference and the site of the documentation');
  run(process.execPath, [join('tools', 'site', 'build.mjs')]);
}

/** The output of a program, or undefined where it cannot be run. */
function outputOf(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** Why the native engine cannot be built here; undefined where it can. */
function nativeObstacle() {
  if (process.env.LEARNGENE_SKIP_NATIVE) return 'LEARNGENE_SKIP_NATIVE is set';
  const version = outputOf('cargo', ['--version'])?.match(/(\d+)\.(\d+)/);
  if (!version) return 'there is no cargo';
  const [major, minor] = [Number(version[1]), Number(version[2])];
  if (major < 1 || (major === 1 && minor < 89)) return `cargo ${version[0]} is older than 1.89`;
  if (!windows && outputOf('cc', ['--version']) === undefined) return 'there is no C linker (cc)';
  return undefined;
}

/** Builds the native engine where Rust is installed. Without it everything runs, only slower. */
function buildNative() {
  const obstacle = nativeObstacle();
  if (obstacle !== undefined) {
    say(
      `No native engine: ${obstacle}. A slower engine is used; for the fast one install Rust 1.89+ (rustup.rs) and a C linker`,
    );
    return;
  }
  say('Building the native engine with cargo (about a minute the first time, then cached)');
  const args = ['exec', 'turbo', 'run', 'native', '--output-logs=new-only', '--log-order=stream'];
  const result = spawnSync('npx', ['--yes', packageManager, ...args], {
    cwd: root,
    stdio: 'inherit',
    shell: windows,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
  });
  if (result.signal) process.exit(130);
  if (result.status === 0) return;
  if (process.env.CI) fail('The native engine could not be built');
  console.error('The native engine could not be built (see above); a slower engine is used.');
}

/** What every run of the tests ends with: the names of those that failed, and the counts. */
const counting = '--reporter=./scripts/count-reporter.mjs';

/** Packages whose tests run on software WebGPU, whose numbers all others rest on. */
const onWebgpu = ['nn', 'dit', 'diffusion', 'kind', 'vae'];

/** The environment of software WebGPU; undefined, and said so, where a piece of it is missing. In CI that is a failure. */
function webgpuEnvironment() {
  try {
    const { environment, adapter } = prepareWebgpu();
    say(`Running the tests of ${onWebgpu.join(', ')} on WebGPU (${adapter})`);
    return environment;
  } catch (error) {
    if (!(error instanceof WebgpuError)) throw error;
    if (process.env.CI) fail(`The tests cannot run on WebGPU: ${error.message}`);
    say(`The tests do not run on WebGPU: ${error.message}`);
    return undefined;
  }
}

/** Packages whose tests run on the backend that `LEARNGENE_TEST_BACKEND` names. */
const computing = 'nn dit vae vae-emoji emoji-bundle kind diffusion adapters metrics tensor-svd'.split(' ');

function nativeIsBuilt() {
  const folder = join(root, 'packages', 'backend-native', 'native');
  return existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.node'));
}

/** The browser of the browser tests; without one nothing else is worth its time. */
function browser() {
  try {
    return findChromium();
  } catch (error) {
    if (error instanceof NoChromiumError) fail(error.message);
    throw error;
  }
}

/** clippy, the tests and the licences of the Rust crates, where Rust is installed. */
function checkNative() {
  const obstacle = nativeObstacle();
  if (obstacle !== undefined) {
    say(`The Rust crates are not checked: ${obstacle}`);
    return;
  }
  const cargo = (args) => run('cargo', args, { CARGO_TERM_QUIET: 'true' });
  const manifest = ['--manifest-path', join('packages', 'backend-native', 'Cargo.toml'), '--locked'];
  say('rustfmt: format of the Rust crates');
  run('cargo', ['fmt', '--all', '--check', '--manifest-path', manifest[1]]);
  say('clippy: lints of the Rust crates');
  cargo(['clippy', ...manifest, '--all-targets', '--release', '--', '-D', 'warnings']);
  say('cargo test: the Rust crates');
  cargo(['test', ...manifest, '--release']);
  say('Licences of the Rust crates');
  run(process.execPath, [join('packages', 'backend-native', 'scripts', 'licences.mjs')]);
}

const jobs = {
  demo(args) {
    install();
    build();
    buildNative();
    say('Running the demo');
    // The default folder is this job's own; one that the caller names is not replaced unasked.
    const own = args.some((arg) => arg === '--out' || arg.startsWith('--out=')) ? [] : ['--force'];
    run(process.execPath, [join('apps', 'cli', 'bin', 'learngene.mjs'), 'demo', ...own, ...args]);
  },
  test(args) {
    install();
    build();
    buildNative();
    say('Running the tests with coverage');
    const covering = ['--coverage', '--reporter=./scripts/coverage-reporter.mjs'];
    pnpm(['exec', 'vitest', 'run', ...covering, '--reporter=default', counting, ...args]);
  },
  'test:engines'(args) {
    install();
    build();
    buildNative();
    const vitest = (projects, env, more = []) => {
      const chosen = projects.flatMap((name) => ['--project', name]);
      pnpm(['exec', 'vitest', 'run', '--reporter=dot', counting, ...chosen, ...more, ...args], env);
    };
    if (nativeIsBuilt()) {
      say('Running the tests of every package that computes on native');
      vitest(computing, { LEARNGENE_TEST_BACKEND: 'native' });
      for (const level of process.arch === 'x64' ? ['avx2', 'scalar'] : ['scalar']) {
        say(`Running the tests of the native engine with no more than ${level}`);
        vitest(['backend-native'], { LEARNGENE_SIMD: level });
      }
    }
    say('Running the tests of every package that computes on wasm');
    vitest(computing, { LEARNGENE_TEST_BACKEND: 'wasm' });
    const webgpu = webgpuEnvironment();
    // A software device takes up to a minute for what takes others a second.
    if (webgpu) vitest(onWebgpu, webgpu, ['--testTimeout=600000', '--hookTimeout=600000']);
  },
  'test:browser'(args) {
    const program = browser();
    install();
    build();
    say(`Running the built packages in ${program}`);
    const config = ['--config', 'test/browser/vitest.config.ts'];
    pnpm(['exec', 'vitest', 'run', ...config, '--reporter=default', counting, ...args], { CHROME_PATH: program });
  },
  smoke(args) {
    install();
    build();
    buildNative();
    say('Running the smoke plan of learngene bench transfer: every method once, on emoji');
    const out = mkdtempSync(join(tmpdir(), 'learngene-smoke-'));
    const jobs = ['--jobs', String(Math.min(4, availableParallelism()))];
    const cli = join('apps', 'cli', 'bin', 'learngene.mjs');
    run(process.execPath, [cli, 'bench', 'transfer', '--smoke', '--out', join(out, 'grid'), ...jobs, ...args]);
    rmSync(out, { recursive: true, force: true });
  },
  docs() {
    install({ site: true });
    build();
    buildSite();
  },
  check() {
    install({ site: true });
    build();
    say('biome: format and lint');
    pnpm(['exec', 'biome', 'ci', '--error-on-warnings', `--colors=${process.stdout.isTTY ? 'force' : 'off'}`]);
    say('TypeScript: types of every package and its tests');
    // One program for all that have the same options: each package by itself checks all that it imports again.
    pnpm(['exec', 'tsc', '--noEmit', '-p', 'tsconfig.check.json']);
    const withJavaScript = ['--filter=@learngene/backend-native', '--filter=@learngene/browser-tests'];
    pnpm(['exec', 'turbo', 'run', 'typecheck', ...withJavaScript, '--output-logs=errors-only']);
    say('turbo boundaries: who may import whom');
    pnpm(['exec', 'turbo', 'boundaries', '--no-color']);
    say('The house: folders in circles, imports past an index, lengths, levels, thin commands');
    run(process.execPath, [join('tools', 'house', 'check.mjs')]);
    say('knip: unused files, exports and dependencies');
    pnpm(['exec', 'knip']);
    say('publint and attw: what would be published');
    pnpm(['exec', 'turbo', 'run', 'publint', 'attw', '--output-logs=errors-only']);
    say('Bundles for browsers: sizes, esbuild, webpack, Vite');
    run(process.execPath, [join('tools', 'bundles', 'check.mjs')]);
    say('Examples and the examples of the READMEs');
    run(process.execPath, [join('scripts', 'check-examples.mjs')]);
    buildSite();
    checkNative();
    say('All checks passed');
  },
  build() {
    install();
    say('Building the packages with their declarations (turbo, cached)');
    pnpm(['exec', 'turbo', 'run', 'build', 'types', '--output-logs=errors-only']);
    buildNative();
    say('What imports cost a web page');
    run(process.execPath, [join('tools', 'bundles', 'check.mjs'), '--sizes', '--print']);
  },
  example(args) {
    install();
    build();
    say('Running the example');
    run(process.execPath, [join('scripts', 'check-examples.mjs'), ...args]);
  },
  bench(args) {
    install();
    build();
    buildNative();
    say('Running the benchmarks');
    run(process.execPath, [join('benchmarks', 'dist', 'main.js'), ...args]);
  },
};

const [job, ...args] = process.argv.slice(2);
if (job === '--help' || job === '-h') {
  console.log(headComment(fileURLToPath(import.meta.url)).join('\n'));
  process.exit(0);
}
if (!Object.hasOwn(jobs, job ?? '')) fail(`usage: node scripts/run.mjs <${Object.keys(jobs).join('|')}>`, 2);
checkNode();
process.env.PATH = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
jobs[job](args);

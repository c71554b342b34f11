// Prepares software WebGPU for the tests of `LEARNGENE_TEST_BACKEND=webgpu`: Dawn from npm, Chromium's SwiftShader as its
// driver, and an addon that turns the event loop. `node tools/webgpu/setup.mjs` prepares it and prints the environment that
// the tests need; `npm run test:engines` does both. The README beside it says more.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findChromium } from '../../test/browser/find-chromium.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const build = join(here, 'build');
const dawn = 'webgpu@0.6.2';
const { CC: compiler, LD_LIBRARY_PATH: libraries } = { CC: 'cc', LD_LIBRARY_PATH: '', ...process.env };

/** Why software WebGPU cannot be had here. */
export class WebgpuError extends Error {}

/** Runs a program that must succeed. */
function run(what, command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (result.status === 0) return result.stdout;
  const why = result.error?.message ?? result.stderr.trim().split('\n').at(-1);
  throw new WebgpuError(`${what}: ${why}`);
}

/** The folder of a Chromium that holds SwiftShader and the Vulkan loader. */
function driverFolder() {
  let program;
  try {
    program = realpathSync(findChromium());
  } catch (error) {
    throw new WebgpuError(`there is no Chromium, whose SwiftShader is the driver: ${error.message.split('\n')[0]}`);
  }
  // Debian's /usr/bin/chromium is a script.
  const folders = [dirname(program), '/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];
  const files = ['vk_swiftshader_icd.json', 'libvk_swiftshader.so', 'libvulkan.so.1'];
  const folder = folders.find((candidate) => files.every((file) => existsSync(join(candidate, file))));
  if (folder === undefined) throw new WebgpuError(`no ${files.join(', ')} beside ${program}`);
  return folder;
}

/** Installs Dawn at the pinned version, without its install script, which is for Macs. */
function installDawn() {
  const manifest = join(build, 'node_modules', 'webgpu', 'package.json');
  const version = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
  if (dawn === `webgpu@${version}`) return;
  mkdirSync(build, { recursive: true });
  writeFileSync(join(build, 'package.json'), '{ "private": true }\n');
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  run(`${dawn} could not be installed`, 'npm', ['install', '--prefix', build, ...options, dawn], { cwd: build });
}

function compileAddon() {
  const source = join(here, 'turn-loop.c');
  const args = ['-shared', '-fPIC', '-O1', source, '-o', join(build, 'turn-loop.node')];
  run('the addon could not be compiled', compiler, args);
}

/** Asks in a process of its own: the loader reads the environment when it starts. */
function checkAdapter(environment) {
  const program = `
    const { create } = await import('webgpu');
    const adapter = await create([]).requestAdapter();
    if (!adapter) throw new Error('Dawn finds no adapter');
    console.log(adapter.info.description);`;
  const options = { cwd: build, env: { ...process.env, ...environment } };
  return run('Dawn does not start', process.execPath, ['--input-type=module', '--eval', program], options).trim();
}

/**
 * Prepares everything that is not there yet.
 *
 * @returns the environment of the tests, and the adapter's name
 * @throws WebgpuError with what is missing
 */
export function prepareWebgpu() {
  if (process.platform !== 'linux')
    throw new WebgpuError(`the software driver is tried on Linux alone, this is ${process.platform}`);
  const folder = driverFolder();
  installDawn();
  compileAddon();
  const environment = {
    LD_LIBRARY_PATH: [folder, libraries].filter(Boolean).join(delimiter),
    VK_ICD_FILENAMES: join(folder, 'vk_swiftshader_icd.json'),
    LEARNGENE_TEST_BACKEND: 'webgpu',
  };
  return { environment, adapter: checkAdapter(environment) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { environment, adapter } = prepareWebgpu();
    console.error(adapter);
    for (const [name, value] of Object.entries(environment)) console.log(`${name}=${value}`);
  } catch (error) {
    if (!(error instanceof WebgpuError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

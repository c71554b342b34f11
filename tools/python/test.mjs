// Loads what we write in the Python packages of the field: diffusers and PEFT, on a CPU.
// Makes a virtual environment from tools/fixtures/requirements.txt once (about 1.5 GB), then runs the tests that need it.
// Usage: npm run test:python [-- --python <interpreter that has these packages>]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine } from '../../scripts/command-line.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const windows = process.platform === 'win32';

function run(command, args, env = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: windows && command === 'npx',
    env: { ...process.env, ...env },
  });
  if (result.error) {
    console.error(`${command} could not be started: ${result.error.message}`);
    process.exit(1);
  }
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** The interpreter of an environment with the packages of requirements.txt, made anew where that file changed. */
function environment() {
  const folder = join(root, 'node_modules/.cache/learngene/python');
  const python = join(folder, windows ? 'Scripts/python.exe' : 'bin/python');
  const requirements = join(root, 'tools/fixtures/requirements.txt');
  const stamp = join(folder, 'installed');
  const key = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return python;
  console.log(`Installing ${requirements} into ${folder}`);
  rmSync(folder, { recursive: true, force: true });
  run(windows ? 'python' : 'python3', ['-m', 'venv', folder]);
  run(python, ['-m', 'pip', 'install', '--quiet', '-r', requirements]);
  writeFileSync(stamp, key);
  return python;
}

const { values } = commandLine(import.meta.url, { python: { type: 'string' } });
run('npx', ['vitest', 'run', '--project', 'pipeline', 'python.test.ts'], {
  LEARNGENE_PYTHON: values.python ?? environment(),
});

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Something that the benchmarks need is not on this machine; the message names it. */
export class MissingError extends Error {
  override readonly name = 'MissingError';
}

const files = ['requirements.txt', 'requirements-linux-x64.txt', 'stubs.py'];
const windows = process.platform === 'win32';
const check = 'import torch, sklearn, safetensors; torch.linalg.svd(torch.ones(8, 8)); print(torch.__version__)';

/**
 * An interpreter with the peers' packages: what `LEARNGENE_BENCH_PYTHON` names, else that of `.venv`, which is made and
 * filled from PyPI unless it was made from these very requirements.
 *
 * @param folder - of this package
 * @throws MissingError naming what to install
 */
export function pythonEnvironment(folder: string, log: (text: string) => void): string {
  const given = process.env.LEARNGENE_BENCH_PYTHON;
  if (given) {
    const { ok, output } = run(given, ['-c', check]);
    if (!ok) throw new MissingError(`LEARNGENE_BENCH_PYTHON=${given} cannot import the peers: ${lastLine(output)}`);
    return given;
  }
  const base = findPython();
  const venv = join(folder, '.venv');
  const python = join(venv, windows ? 'Scripts/python.exe' : 'bin/python');
  const stamp = join(venv, 'learngene-requirements');
  const hash = createHash('sha256').update(base.version);
  for (const file of files) hash.update(readFileSync(join(folder, 'python', file)));
  const key = hash.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return python;

  log(`Making a virtual environment with Python ${base.version} in ${venv}`);
  rmSync(venv, { recursive: true, force: true });
  need(
    run(base.command, ['-m', 'venv', venv]),
    'python3 -m venv failed; install the package that has it (Debian, Ubuntu: apt-get install python3-venv)',
  );
  install(python, join(folder, 'python'), log);
  writeFileSync(stamp, key);
  return python;
}

/** On Linux x64 without torch's 2.7 GB of CUDA libraries (see python/stubs.py); with them, if it does not work so. */
function install(python: string, folder: string, log: (text: string) => void): void {
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input'];
  const failed = 'pip could not install the peers from PyPI; is the network there?';
  if (process.platform === 'linux' && process.arch === 'x64') {
    log('Installing torch (540 MB), scikit-learn and numpy from PyPI');
    need(run(python, [...pip, '--no-deps', '-r', join(folder, 'requirements-linux-x64.txt')]), failed);
    need(run(python, [join(folder, 'stubs.py')]), 'python/stubs.py failed');
    const { ok, output } = run(python, ['-c', check]);
    if (ok) return;
    log(`torch does not load without its CUDA libraries here (${lastLine(output)}): installing those too (2.7 GB)`);
    need(run(python, [join(folder, 'stubs.py'), '--remove']), 'python/stubs.py --remove failed');
  } else {
    log('Installing torch, scikit-learn and numpy from PyPI');
  }
  need(run(python, [...pip, '-r', join(folder, 'requirements.txt')]), failed);
  need(run(python, ['-c', check]), 'the peers were installed and do not load');
}

function findPython(): { command: string; version: string } {
  const seen: string[] = [];
  for (const command of ['python3', 'python', 'python3.13', 'python3.12', 'python3.11']) {
    const { ok, output } = run(command, ['-c', 'import platform; print(platform.python_version())']);
    if (!ok) continue;
    const version = lastLine(output);
    const [major, minor] = version.split('.').map(Number);
    if (major === 3 && minor >= 11) return { command, version };
    seen.push(`${command} is ${version}`);
  }
  throw new MissingError(
    `Python 3.11 or newer is needed for the peers; ${seen.join(', ') || 'there is no python3 on PATH'}`,
  );
}

function run(command: string, args: readonly string[]): { ok: boolean; output: string } {
  const { status, stdout, stderr, error } = spawnSync(command, [...args], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  return { ok: status === 0, output: error ? error.message : `${stdout}${stderr}` };
}

function need({ ok, output }: { ok: boolean; output: string }, problem: string): void {
  if (!ok) throw new MissingError(`${problem}\n${output.trim().split('\n').slice(-5).join('\n')}`);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { ResultHeader } from './result';

/** Cores without hyper-threads; where that cannot be told, what the process may use. */
function physicalCores(): number {
  const available = os.availableParallelism();
  try {
    const cpus = readFileSync('/proc/cpuinfo', 'utf8').split('\n\n');
    const field = (cpu: string, name: string) => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(cpu)?.[1];
    const cores = new Set(cpus.map((cpu) => `${field(cpu, 'physical id')}/${field(cpu, 'core id')}`));
    return Math.max(1, Math.min(available, cpus[0] && field(cpus[0], 'core id') ? cores.size - 1 : available));
  } catch {
    return available;
  }
}

/** Threads of both sides: `LEARNGENE_NUM_THREADS`, else the physical cores. */
export function threadCount(): number {
  const given = Number(process.env.LEARNGENE_NUM_THREADS);
  return Number.isInteger(given) && given > 0 ? given : physicalCores();
}

/** Whether torch.compile finds a C++ compiler. */
export function hasCompiler(): boolean {
  const command = process.env.CXX ?? (process.platform === 'win32' ? 'cl' : 'g++');
  return spawnSync(command, ['--version']).status === 0;
}

/** The machine, for the header. */
export function describeMachine(): ResultHeader['machine'] {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: physicalCores(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.platform()} ${os.arch()} ${os.release()}`,
  };
}

/** The commit of the working tree, with a + where files differ from it; 'unknown' without git. */
export function commit(folder: string): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }).trim();
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') ? '+' : '');
  } catch {
    return 'unknown';
  }
}

import { execFile } from 'node:child_process';

/** What loading libtensorflow in a process of its own showed. */
export interface TensorflowProbe {
  /** Whether TensorFlow computes on a GPU. */
  gpu: boolean;
  /** The GPU by its name and compute capability. */
  device?: string;
  /** Libraries that TensorFlow looked for in vain, by name. */
  missing: string[];
  /** What the driver answered when it was started in vain. */
  driverError?: string;
  /** A sentence: why the process ended before it could say anything. */
  failure?: string;
}

/** Loads the package and prints whether it uses a GPU. */
const PROGRAM = `
const util = require('node:util');
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
util.isArray ??= Array.isArray;
const { isUsingGpuDevice } = require(process.argv[1]).backend();
require('node:fs').writeSync(1, '\\n' + JSON.stringify({ gpu: isUsingGpuDevice === true }) + '\\n');
process.exit(0);`;

const TIMEOUT_SECONDS = 120;

/**
 * Loads tfjs-node or tfjs-node-gpu in a process of its own, with TensorFlow's log turned up, and reads what it used and
 * missed. TensorFlow ends the process where a CUDA library does not suit the driver; and once it is loaded, no other
 * libtensorflow can be.
 *
 * @param file The package's main file.
 * @param defaults Environment of that process where the user has set none.
 */
export async function probeTensorflow(file: string, defaults: Record<string, string>): Promise<TensorflowProbe> {
  const env = { ...defaults, ...process.env, TF_CPP_MIN_LOG_LEVEL: '0', TF_CPP_VMODULE: 'dso_loader=1' };
  return new Promise((resolve) => {
    const options = { env, timeout: TIMEOUT_SECONDS * 1000, maxBuffer: 2 ** 28 };
    execFile(process.execPath, ['-e', PROGRAM, file], options, (error, stdout, stderr) => {
      const log = readTensorflowLog(stderr);
      const answer = /^\{"gpu":(true|false)\}$/m.exec(stdout)?.[1];
      if (answer !== undefined) resolve({ gpu: answer === 'true', ...log });
      else resolve({ gpu: false, ...log, failure: describeFailure(error, stderr) });
    });
  });
}

/** What TensorFlow's log says of libraries, driver and devices. */
function readTensorflowLog(log: string): Pick<TensorflowProbe, 'device' | 'missing' | 'driverError'> {
  const missing = [...log.matchAll(/Could not load dynamic library '([^']+)'/g)].map(([, name]) => name as string);
  // tfjs-node takes the last of several devices.
  const created = [...log.matchAll(/Created device .* name: (.+?), pci bus id: .*compute capability: ([\d.]+)/g)].at(
    -1,
  );
  const driverError = /failed call to cuInit: (.*)/.exec(log)?.[1];
  return {
    missing: [...new Set(missing)],
    ...(created && { device: `${created[1]} (compute capability ${created[2]})` }),
    ...(driverError && { driverError }),
  };
}

function describeFailure(error: (Error & { signal?: string | null; killed?: boolean }) | null, stderr: string): string {
  if (error?.killed) return `it did not load within ${TIMEOUT_SECONDS} s`;
  const said = /^(?:\w*Error(?: \[\w+\])?|\s*what\(\)): +(.*)/m.exec(stderr)?.[1];
  if (error?.signal) return `loading it ended the process by ${error.signal}${said ? ` (${said})` : ''}`;
  return `loading it failed: ${said ?? error?.message.split('\n')[0] ?? 'it said nothing'}`;
}

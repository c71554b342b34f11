/** The most threads that the pool starts. */
const MAX_THREADS = 256;

/** The instruction sets of each processor, lowest first, as `LEARNGENE_SIMD` names them. */
const LEVELS: Readonly<Record<string, readonly string[]>> = {
  x64: ['scalar', 'avx2', 'avx512'],
  arm64: ['scalar', 'neon'],
};

/** The value of an environment variable; undefined where it is unset or empty. */
function setting(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === '' ? undefined : text;
}

/**
 * Checks the environment variables that the addon reads when it starts.
 *
 * @throws RangeError that names the variable, what was expected and what came
 */
export function checkSettings(env: NodeJS.ProcessEnv = process.env): void {
  const threads = setting(env, 'LEARNGENE_NUM_THREADS');
  if (threads !== undefined && !(/^\d+$/.test(threads) && Number(threads) >= 1 && Number(threads) <= MAX_THREADS)) {
    throw new RangeError(`LEARNGENE_NUM_THREADS: expected a whole number from 1 to ${MAX_THREADS}, got ${threads}`);
  }
  const simd = setting(env, 'LEARNGENE_SIMD');
  const known = LEVELS[process.arch] ?? ['scalar'];
  if (simd !== undefined && !known.includes(simd)) {
    throw new RangeError(`LEARNGENE_SIMD: expected ${known.join(', ')} on ${process.arch}, got ${simd}`);
  }
}

/**
 * Checks that the addon runs on the instruction set that was asked for.
 *
 * @param level the one it runs on
 * @throws RangeError where the processor does not have the one that was asked for
 */
export function checkLevel(level: string, env: NodeJS.ProcessEnv = process.env): void {
  const simd = setting(env, 'LEARNGENE_SIMD');
  if (simd !== undefined && simd !== level) {
    throw new RangeError(`LEARNGENE_SIMD: ${simd} was asked for, this processor has ${level} at most`);
  }
}

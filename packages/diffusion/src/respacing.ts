import { checkCount } from './check';
import { roundHalfEven } from './numeric';

/**
 * Which of the original timesteps a respaced process keeps. The original process is cut into equal sections, and the
 * value gives the number of steps in each, as a list or as comma-separated text (`'10,15,20'`, `'250'`). `'ddimN'`
 * keeps N steps with a whole stride, as the DDIM paper does.
 */
export type Respacing = string | readonly number[];

/**
 * The kept timesteps, ascending (Nichol & Dhariwal 2021, section 4; DDIM appendix D for `'ddimN'`).
 *
 * Strides are fractional and rounded half to even, as Python does.
 * @param timesteps - number of steps of the original process
 * @param respacing - section counts
 * @returns strictly ascending timesteps in `[0, timesteps)`
 * @throws if a section is shorter than its count, or no whole stride gives exactly N steps for `'ddimN'`
 */
export function spaceTimesteps(timesteps: number, respacing: Respacing): Int32Array {
  checkCount('timesteps', timesteps, 1, 2 ** 24);
  if (typeof respacing === 'string' && respacing.startsWith('ddim')) {
    return wholeStride(timesteps, parseCount(respacing.slice(4), respacing));
  }
  if (typeof respacing !== 'string' && !Array.isArray(respacing)) {
    throw new Error(`respacing: expected counts like '250', '10,15,20' or 'ddim50' or a list, got ${respacing}`);
  }
  const counts =
    typeof respacing === 'string' ? respacing.split(',').map((part) => parseCount(part, respacing)) : respacing;
  const taken: number[] = [];
  let start = 0;
  counts.forEach((count, i) => {
    checkCount(`respacing[${i}]`, count, 0);
    const size = Math.floor(timesteps / counts.length) + (i < timesteps % counts.length ? 1 : 0);
    if (size < count) throw new Error(`respacing[${i}]: expected at most ${size} steps of its section, got ${count}`);
    const stride = count <= 1 ? 1 : (size - 1) / (count - 1);
    for (let k = 0, current = 0; k < count; k++, current += stride) taken.push(start + roundHalfEven(current));
    start += size;
  });
  if (taken.length === 0) throw new Error('respacing: expected at least one step, got none');
  return Int32Array.from(taken);
}

function wholeStride(timesteps: number, count: number): Int32Array {
  for (let stride = 1; stride <= timesteps; stride++) {
    if (Math.ceil(timesteps / stride) === count) return Int32Array.from({ length: count }, (_, i) => i * stride);
  }
  throw new Error(`respacing: expected a count that a whole stride over ${timesteps} steps gives, got ddim${count}`);
}

function parseCount(text: string, whole: string): number {
  if (!/^\s*\d+\s*$/.test(text)) {
    throw new Error(`respacing: expected counts like '250', '10,15,20' or 'ddim50', got '${whole}'`);
  }
  return Number(text);
}

import type { SigmaPoint } from './sigma-grid';
import { solveLinear } from './solve-linear';

/** B(h) of Zhao et al. 2023, section 3.1: h (`bh1`) or e^h - 1 (`bh2`). */
export type UniPCSolver = 'bh1' | 'bh2';

/**
 * x' = sample · x + Σ outputs[k] · m_k, where m_0 is the output at the step's start and m_k the output k steps earlier.
 * `next` is the weight of the output at the step's end.
 */
export interface UniPCCoefficients {
  readonly sample: number;
  readonly outputs: readonly number[];
  readonly next: number;
}

/** Settings of {@link unipcCoefficients}. */
export interface UniPCStep {
  readonly from: SigmaPoint;
  readonly to: SigmaPoint;
  /** Points of the earlier outputs m_1, m_2, ...: order - 1 of them. */
  readonly earlier: readonly SigmaPoint[];
  readonly solver: UniPCSolver;
  readonly predictX0: boolean;
  /** Whether the output at the step's end takes part (UniC) or not (UniP). */
  readonly corrector: boolean;
}

/** The weights of one step of UniP or UniC (Zhao et al. 2023, algorithms 1 and 2, and eq. 9 for the coefficients a). */
export function unipcCoefficients({ from, to, earlier, solver, predictX0, corrector }: UniPCStep): UniPCCoefficients {
  const h = to.lambda - from.lambda;
  const hh = predictX0 ? -h : h;
  const phi1 = Math.expm1(hh);
  const b = solver === 'bh1' && Number.isFinite(hh) ? hh : phi1; // from or to infinity only e^h - 1 has a limit
  const sample = predictX0 ? to.sigma / from.sigma : to.alpha / from.alpha;
  const scale = predictX0 ? to.alpha : to.sigma;
  const ratios = earlier.map((point) => (point.lambda - from.lambda) / h);
  const weights = quadratureWeights(ratios, { hh, phi1, b, corrector });
  const first = predictX0 ? to.alpha - sample * from.alpha : to.sigma - sample * from.sigma; // scale * -phi1 at its limit
  const outputs = [
    Number.isFinite(hh) ? -scale * phi1 : first,
    ...ratios.map((ratio, k) => (-scale * b * weights[k]) / ratio),
  ];
  for (let k = 1; k < outputs.length; k++) outputs[0] -= outputs[k];
  const next = corrector ? -scale * b * weights[weights.length - 1] : 0;
  outputs[0] -= next;
  return { sample, outputs, next };
}

function quadratureWeights(
  ratios: readonly number[],
  { hh, phi1, b, corrector }: { hh: number; phi1: number; b: number; corrector: boolean },
): number[] {
  const count = ratios.length + (corrector ? 1 : 0);
  if (count <= 1) return new Array<number>(count).fill(0.5); // exact to this order for any B(h)
  const nodes = corrector ? [...ratios, 1] : ratios;
  const right: number[] = [];
  let phi = phi1 / hh - 1;
  let factorial = 1;
  for (let i = 1; i <= count; i++) {
    right.push((phi * factorial) / b);
    factorial *= i + 1;
    phi = phi / hh - 1 / factorial;
  }
  return solveLinear(
    right.map((_, i) => nodes.map((node) => node ** i)),
    right,
  );
}

import type { AdapterConfigInput } from '@learngene/adapters';
import { blockLinearNames, countDitMacs, type DitConfig, linearShape, tokenCount } from '@learngene/dit';
import type { BaseSpec } from './base-spec';
import type { ModelPlan } from './benchmark-plan';
import type { AblationName, MethodName } from './names';

/** How fresh tailors start. */
export type TailorStart = 'fresh' | 'frozen' | 'warm' | 'orthogonal' | 'random' | 'own-zero';

/** What a method adds to its base, and what it trains. */
export type MethodForm =
  | {
      /** Tailors on factored layers. */
      kind: 'tailors';
      /** Whether all novel classes share one set; otherwise each class has its own. */
      shared: boolean;
      /** How the tailors start. */
      start: TailorStart;
      /** Fraction of the steps after which learngenes are trained too; 1: never. */
      unfreezeAt: number;
      /** Whether the dense parts start from random weights and are trained too. */
      distant: boolean;
    }
  | {
      /** One of the methods of @learngene/adapters on a dense model. */
      kind: 'adapter';
      /** Whether all novel classes share one adapter; otherwise each class has its own. */
      shared: boolean;
      /** The method and its settings. */
      adapter: AdapterConfigInput;
    }
  | {
      /** A model trained from random weights: no base. */
      kind: 'scratch';
    };

/** A row of a table: the base that it stands on, and its form. */
export interface MethodSpec {
  /** Name in a plan. */
  method: MethodName | AblationName;
  /** The base model that it starts from. */
  base: BaseSpec;
  /** What it adds to the base. */
  form: MethodForm;
  /** Ranks of methods with tailors. */
  ranks: {
    /** N_G: components that all classes share. */
    learngenes: number;
    /** N_t: components that a class owns. */
    tailors: number;
  };
}

/** The largest rank at which factored main layers cost no more MACs than dense ones. */
export function equalMacsRank(dit: DitConfig): number {
  const shapes = blockLinearNames(dit).map((name) => linearShape(dit, name));
  const perRank = shapes.reduce((sum, shape) => sum + shape.in + shape.out, 0);
  return Math.floor(countDitMacs(dit).linear / tokenCount(dit) / perRank);
}

/**
 * Learning rate of the factors in pre-training, relative to that of the dense parts, where both come from a short sweep. U, s
 * and V all move, so their product takes a larger step than a dense weight does (docs/decisions/0023-a-rate-for-factors.md).
 */
const FACTOR_LEARNING_RATE_SCALE = 0.5;

const TAILORS = { kind: 'tailors', shared: false, start: 'fresh', unfreezeAt: 1, distant: false } as const;

const ADAPTERS: Partial<Record<MethodName, AdapterConfigInput>> = {
  lora: { method: 'lora' },
  rslora: { method: 'lora', rsLora: true },
  dora: { method: 'dora' },
  pissa: { method: 'pissa' },
  svdiff: { method: 'svdiff' },
  oft: { method: 'oft' },
  loha: { method: 'loha' },
  bitfit: { method: 'bitfit' },
  full: { method: 'full' },
  'heur-lg': { method: 'heur-lg' },
  // Its blocks are chosen with the weights of the base.
  'auto-lg': { method: 'auto-lg', blocks: [0] },
  fine: { method: 'fine' },
};

/**
 * The base and the form of a method, by its name in a plan.
 *
 * @param options.macsRank - N_G + N_t of factored models in the iso-MACs table (default: N_G + N_t of the plan)
 */
export function methodSpec(
  method: MethodName | AblationName,
  model: ModelPlan,
  { macsRank }: { macsRank?: number } = {},
): MethodSpec {
  const { learngeneRank, tailorRank, hiddenSize } = model;
  const ranks = { learngenes: macsRank === undefined ? learngeneRank : macsRank - tailorRank, tailors: tailorRank };
  // A short sweep cannot detect rates that diverge later; the higher the rank, the lower the rate that diverges.
  const sweep = macsRank === undefined ? {} : ({ sweepSteps: 'full' } as const);
  const slower = macsRank === undefined ? { factorLearningRateScale: FACTOR_LEARNING_RATE_SCALE } : {};
  const fullRate: BaseSpec & { form: 'kind' } = {
    form: 'kind',
    ...sweep,
    learngeneRank: ranks.learngenes,
    tailorRank,
    gate: 'binary',
    nullGate: 'learngenes',
    init: 'orthogonal',
    orthogonality: 0,
  };
  const kind: BaseSpec & { form: 'kind' } = { ...fullRate, ...slower };
  const dense: BaseSpec = { form: 'dense', hiddenSize };
  const of = (base: BaseSpec, form: MethodForm): MethodSpec => ({ method, base, form, ranks });
  const split = (learngenes: number, own: number): MethodSpec => ({
    method,
    base: { ...kind, learngeneRank: learngenes, tailorRank: own },
    form: TAILORS,
    ranks: { learngenes, tailors: own },
  });
  // Fractions of N_G + N_t: the sum, and with it the MACs, stays the same at every size of model.
  const total = ranks.learngenes + ranks.tailors;
  const part = (own: number) => {
    const t = Math.max(1, Math.round((total * own) / 48));
    return split(total - t, t);
  };
  switch (method) {
    case 'kind':
      return of(kind, TAILORS);
    case 'kind-shared':
      return of(kind, { ...TAILORS, shared: true });
    case 'low-rank+tailors':
      return of({ form: 'low-rank', rank: total, ...sweep, ...slower }, TAILORS);
    case 'svd-cut+tailors':
      return of(dense, TAILORS);
    case 'scratch':
      return of(dense, { kind: 'scratch' });
    case 'kind/soft-gate':
      return of({ ...kind, gate: 'soft' }, TAILORS);
    case 'kind/small-ranks':
      return split(Math.max(1, Math.round(total / 2) - ranks.tailors), ranks.tailors);
    case 'low-rank/small-ranks': {
      const half = Math.round(total / 2);
      const learngenes = Math.max(1, half - ranks.tailors);
      return {
        ...of({ form: 'low-rank', rank: learngenes + ranks.tailors, ...slower }, TAILORS),
        ranks: { ...ranks, learngenes },
      };
    }
    case 'kind/long':
      return of({ ...kind, stepsScale: 3 }, TAILORS);
    case 'low-rank/long':
      return of({ form: 'low-rank', rank: total, stepsScale: 3, ...slower }, TAILORS);
    case 'kind/own-class-null':
      return of({ ...kind, nullGate: 'own-class' }, TAILORS);
    case 'kind/ranks-44-4':
      return part(4);
    case 'kind/ranks-32-16':
      return part(16);
    case 'kind/ranks-24-24':
      return part(24);
    case 'kind/xavier':
      return of({ ...kind, init: 'xavier' }, TAILORS);
    case 'kind/from-dense':
      return of({ ...fullRate, init: 'dense', stepsScale: 0.5 }, TAILORS);
    case 'low-rank/from-dense':
      return of({ form: 'low-rank', rank: total, init: 'dense', stepsScale: 0.5 }, TAILORS);
    case 'kind/full-rate':
      return of(fullRate, TAILORS);
    case 'low-rank/full-rate':
      return of({ form: 'low-rank', rank: total }, TAILORS);
    case 'kind/orthogonality':
      return of({ ...kind, orthogonality: 1e-3 }, TAILORS);
    case 'kind/tailors-frozen':
      return of(kind, { ...TAILORS, start: 'frozen' });
    case 'kind/tailors-warm':
      return of(kind, { ...TAILORS, start: 'warm' });
    case 'kind/init-orthogonal':
      return of(kind, { ...TAILORS, start: 'orthogonal' });
    case 'kind/init-random':
      return of(kind, { ...TAILORS, start: 'random' });
    case 'kind/init-own-zero':
      return of(kind, { ...TAILORS, start: 'own-zero' });
    case 'kind/unfreeze-late':
      return of(kind, { ...TAILORS, unfreezeAt: 0.75 });
    case 'kind/distant':
      return of(kind, { ...TAILORS, distant: true });
    default: {
      const shared = !method.endsWith('-class');
      const adapter = ADAPTERS[method.replace(/-class$/, '') as MethodName];
      if (adapter === undefined) throw new Error(`method: unknown method ${method}`);
      return of(dense, { kind: 'adapter', shared, adapter });
    }
  }
}

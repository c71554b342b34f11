/** The rows of the main table. '-class': an adapter a class, chosen by the label, as tailors are. */
export const METHOD_NAMES = [
  'kind',
  'kind-shared',
  'low-rank+tailors',
  'svd-cut+tailors',
  'lora',
  'lora-class',
  'rslora',
  'dora',
  'dora-class',
  'pissa',
  'pissa-class',
  'svdiff',
  'oft',
  'loha',
  'bitfit',
  'full',
  'heur-lg',
  'auto-lg',
  'fine',
  'scratch',
] as const;

/** A method of the main table. */
export type MethodName = (typeof METHOD_NAMES)[number];

/** KIND, or its control without a gate, with one thing changed; the group says which question the ablation answers. */
export const ABLATIONS = {
  'kind/soft-gate': 'gate',
  // The question of the gate again, with half as many components, and after three times as much pre-training.
  'kind/small-ranks': 'gate-small-ranks',
  'low-rank/small-ranks': 'gate-small-ranks',
  'kind/long': 'gate-long-pretraining',
  'low-rank/long': 'gate-long-pretraining',
  'kind/own-class-null': 'null-gate',
  'kind/ranks-44-4': 'ranks',
  'kind/ranks-32-16': 'ranks',
  'kind/ranks-24-24': 'ranks',
  'kind/xavier': 'pretraining-init',
  'kind/from-dense': 'pretraining-init',
  'low-rank/from-dense': 'pretraining-init',
  // The factors learn as fast as the dense parts, not at half their rate.
  'kind/full-rate': 'pretraining-rate',
  'low-rank/full-rate': 'pretraining-rate',
  'kind/orthogonality': 'orthogonality',
  'kind/tailors-frozen': 'tailors',
  'kind/tailors-warm': 'tailors',
  'kind/init-orthogonal': 'init',
  'kind/init-random': 'init',
  'kind/init-own-zero': 'init',
  'kind/unfreeze-late': 'unfreeze',
  'kind/distant': 'domain',
} as const;

/** An ablation's name. */
export type AblationName = keyof typeof ABLATIONS;

/**
 * Pre-training classes drawn within a budget: KIND's bundle cut to parameters or to multiply-accumulates, a dense model cut by
 * SVD, a small dense model.
 */
export const BUDGET_METHODS = ['bundle-cut', 'bundle-cut-macs', 'svd-cut', 'small'] as const;

/** A row of the deployment table. */
export type BudgetMethod = (typeof BUDGET_METHODS)[number];

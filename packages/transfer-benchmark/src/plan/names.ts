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
  /** KIND with a soft gate. */
  'kind/soft-gate': 'gate',
  /** KIND with half as many components. */
  'kind/small-ranks': 'gate-small-ranks',
  /** The plain low-rank base with half as many components. */
  'low-rank/small-ranks': 'gate-small-ranks',
  /** KIND after three times as much pre-training. */
  'kind/long': 'gate-long-pretraining',
  /** The plain low-rank base after three times as much pre-training. */
  'low-rank/long': 'gate-long-pretraining',
  /** Pre-training drops only the label embedding of a sample and keeps its tailors. */
  'kind/own-class-null': 'null-gate',
  /** N_G : N_t = 44 : 4, with the same sum. */
  'kind/ranks-44-4': 'ranks',
  /** N_G : N_t = 32 : 16, with the same sum. */
  'kind/ranks-32-16': 'ranks',
  /** N_G : N_t = 24 : 24, with the same sum. */
  'kind/ranks-24-24': 'ranks',
  /** Pre-training starts from the SVD of a Xavier weight. */
  'kind/xavier': 'pretraining-init',
  /** Pre-training starts from the SVD of a dense model; each of the two has half of the steps. */
  'kind/from-dense': 'pretraining-init',
  /** The same start for the plain low-rank base. */
  'low-rank/from-dense': 'pretraining-init',
  /** In pre-training the factors learn as fast as the dense parts, not at half their rate. */
  'kind/full-rate': 'pretraining-rate',
  /** The same rate for the plain low-rank base. */
  'low-rank/full-rate': 'pretraining-rate',
  /** Pre-training with an orthogonality penalty. */
  'kind/orthogonality': 'orthogonality',
  /** Tailors are the mean of the trained ones and frozen; only label rows are trained. */
  'kind/tailors-frozen': 'tailors',
  /** Tailors start at the mean of the trained ones. */
  'kind/tailors-warm': 'tailors',
  /** Fresh tailors start as in pre-training: orthonormal u and v, equal s. */
  'kind/init-orthogonal': 'init',
  /** Fresh tailors start at random. */
  'kind/init-random': 'init',
  /** Fresh tailors start with s = 0 and random orthonormal u and v. */
  'kind/init-own-zero': 'init',
  /** Learngenes are trained too in the last quarter of the steps. */
  'kind/unfreeze-late': 'unfreeze',
  /** The dense parts start from random weights and are trained too. */
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

/** Kinds of methods, in the order that charts show them. */
export const FAMILIES = ['tailors', 'shared adapters', 'adapters per class', 'whole models', 'other'] as const;

/** A kind of methods. */
export type Family = (typeof FAMILIES)[number];

/** The method that all others are compared with. */
export const KIND_METHOD = 'kind';

const NAMED: Record<string, { title: string; family: Family }> = {
  kind: { title: 'KIND', family: 'tailors' },
  'kind-shared': { title: 'KIND, shared tailors', family: 'tailors' },
  'low-rank+tailors': { title: 'low rank + tailors', family: 'tailors' },
  'svd-cut+tailors': { title: 'SVD cut + tailors', family: 'tailors' },
  lora: { title: 'LoRA', family: 'shared adapters' },
  rslora: { title: 'rsLoRA', family: 'shared adapters' },
  dora: { title: 'DoRA', family: 'shared adapters' },
  pissa: { title: 'PiSSA', family: 'shared adapters' },
  svdiff: { title: 'SVDiff', family: 'shared adapters' },
  oft: { title: 'OFT', family: 'shared adapters' },
  loha: { title: 'LoHa', family: 'shared adapters' },
  bitfit: { title: 'BitFit', family: 'shared adapters' },
  full: { title: 'full fine-tuning', family: 'whole models' },
  scratch: { title: 'from scratch', family: 'whole models' },
  'heur-lg': { title: 'Heur-LG', family: 'whole models' },
  'auto-lg': { title: 'Auto-LG', family: 'whole models' },
  fine: { title: 'FINE', family: 'whole models' },
  'bundle-cut': { title: 'KIND, cut to parameters', family: 'other' },
  'bundle-cut-macs': { title: 'KIND, cut to MACs', family: 'other' },
  'svd-cut': { title: 'dense model, cut by SVD', family: 'other' },
  small: { title: 'small dense model', family: 'other' },
  'kind/soft-gate': { title: 'KIND, soft gate', family: 'other' },
  'kind/own-class-null': { title: "KIND, null label by the class's own tailors", family: 'other' },
  'kind/xavier': { title: 'KIND, pre-trained from the SVD of Xavier weights', family: 'other' },
  'kind/from-dense': { title: 'KIND, second half of a dense pre-training, full rate', family: 'other' },
  'low-rank/from-dense': {
    title: 'low rank + tailors, second half of a dense pre-training, full rate',
    family: 'other',
  },
  'kind/small-ranks': { title: 'KIND, half the ranks', family: 'other' },
  'low-rank/small-ranks': { title: 'low rank + tailors, half the ranks', family: 'other' },
  'kind/long': { title: 'KIND, pre-trained for longer', family: 'other' },
  'low-rank/long': { title: 'low rank + tailors, pre-trained for longer', family: 'other' },
  'kind/full-rate': { title: 'KIND, factors pre-trained at the full rate', family: 'other' },
  'low-rank/full-rate': { title: 'low rank + tailors, factors pre-trained at the full rate', family: 'other' },
  'kind/orthogonality': { title: 'KIND, orthogonality penalty', family: 'other' },
  'kind/tailors-frozen': { title: 'KIND, trained tailors, frozen', family: 'other' },
  'kind/tailors-warm': { title: 'KIND, tailors from the mean of the trained', family: 'other' },
  'kind/init-orthogonal': { title: 'KIND, orthogonal fresh tailors', family: 'other' },
  'kind/init-random': { title: 'KIND, random fresh tailors', family: 'other' },
  'kind/init-own-zero': { title: 'KIND, fresh tailors of zero', family: 'other' },
  'kind/unfreeze-late': { title: 'KIND, learngenes unfrozen late', family: 'other' },
  'kind/distant': { title: 'KIND, learngenes of a distant domain', family: 'other' },
};

/** A method's name for people. */
export function methodTitle(method: string): string {
  const shared = method.replace(/-class$/, '');
  if (method !== shared && NAMED[shared]) return `${NAMED[shared].title} per class`;
  const ranks = /^kind\/ranks-(\d+)-(\d+)$/.exec(method);
  if (ranks) return `KIND, ranks divided ${ranks[1]} : ${ranks[2]}`;
  return NAMED[method]?.title ?? method;
}

/** What kind of method it is. */
export function methodFamily(method: string): Family {
  const shared = method.replace(/-class$/, '');
  if (method !== shared && NAMED[shared]) return 'adapters per class';
  return NAMED[method]?.family ?? 'other';
}

/** The order of methods where no score orders them: KIND first, then as above, others by name. */
export function byMethod(a: string, b: string): number {
  const names = Object.keys(NAMED);
  const place = (method: string) => {
    const shared = method.replace(/-class$/, '');
    const at = names.indexOf(shared);
    return at < 0 ? names.length : at + (shared === method ? 0 : 0.5);
  };
  return place(a) - place(b) || a.localeCompare(b);
}

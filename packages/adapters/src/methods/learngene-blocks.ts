import { type DitConfig, type DitParams, initDit } from '@learngene/dit';
import type { ParamTree } from '@learngene/nn';
import { checkCount, checkFields, checkOneOf, shown } from '../core/checks';
import type { OverlayMethod } from '../core/method';
import { overlay } from '../core/trees';

/** Which blocks of a trained model a descendant inherits. */
export interface LearngeneBlocks {
  /** Blocks of the trained model (the ancestor), ascending. */
  readonly blocks: readonly number[];
  /** Number of blocks of the descendant (default the ancestor's). */
  readonly depth: number;
  /**
   * Their positions in the descendant, ascending (default: their old positions if the depth is the same, else the last
   * ones).
   */
  readonly places: readonly number[];
  /**
   * How parameters outside the blocks start: 'fresh' as published (default), or 'inherit' from the ancestor, as KIND's
   * shared parts do.
   */
  readonly frame: 'fresh' | 'inherit';
  /** What is trained: 'all' of the descendant (default), or only the 'rest' around frozen learngenes. */
  readonly train: 'all' | 'rest';
}

/** Settings of Heur-LG: learngenes at fixed positions. */
export type HeurLgConfig = LearngeneBlocks & {
  /** Name of the method. */
  readonly method: 'heur-lg';
};

/** Settings of Auto-LG: learngenes at positions that were learned, see `chooseLearngeneBlocks`. */
export type AutoLgConfig = LearngeneBlocks & {
  /** Name of the method. */
  readonly method: 'auto-lg';
};

function complete<M extends 'heur-lg' | 'auto-lg'>(
  method: M,
  input: Partial<LearngeneBlocks>,
  dit: DitConfig,
): LearngeneBlocks & { readonly method: M } {
  checkFields(method, input, ['method', 'blocks', 'depth', 'places', 'frame', 'train']);
  const { depth = dit.depth, frame = 'fresh', train = 'all' } = input;
  const half = Math.ceil(dit.depth / 2);
  if (method === 'auto-lg' && input.blocks === undefined) {
    throw new Error('blocks: expected the blocks that chooseLearngeneBlocks chose, got none');
  }
  const blocks = input.blocks ?? Array.from({ length: dit.depth - half }, (_, i) => half + i);
  checkCount('depth', depth, 1024);
  checkPlaces('blocks', blocks, dit.depth);
  const places = input.places ?? (depth === dit.depth ? blocks : blocks.map((_, i) => depth - blocks.length + i));
  checkPlaces('places', places, depth);
  if (places.length !== blocks.length) {
    throw new Error(`places: expected ${blocks.length} places, one a block, got ${places.length}`);
  }
  checkOneOf('frame', frame, ['fresh', 'inherit']);
  checkOneOf('train', train, ['all', 'rest']);
  return { method, blocks: [...blocks], depth, places: [...places], frame, train };
}

function checkPlaces(name: string, places: readonly number[], depth: number): void {
  if (!Array.isArray(places)) throw new Error(`${name}: expected an array, got ${shown(places)}`);
  for (const [i, place] of places.entries()) {
    if (!Number.isInteger(place) || place < 0 || place >= depth || (i > 0 && place <= places[i - 1])) {
      throw new Error(`${name}: expected ascending integers in [0, ${depth}), got ${shown(place)} at ${i}`);
    }
  }
}

/** What both methods share once the blocks are known. */
const descendant: Pick<OverlayMethod<LearngeneBlocks>, 'kind' | 'base' | 'architecture' | 'prepare' | 'trains'> = {
  kind: 'overlay',
  base: 'dense',
  architecture: (dit, { depth }) => ({ ...dit, depth }),
  prepare: (base, config, { dit, generator }) => {
    const { label, ...fresh } = initDit(generator, { ...dit, depth: config.depth, classes: 1 }) as DitParams &
      ParamTree;
    label.table.dispose();
    const { blocks, ...frame } = base;
    const inherited = config.blocks.map((from, i) => [config.places[i], (blocks as ParamTree)[from]]);
    const whole = overlay(fresh as ParamTree, { label: base.label, blocks: Object.fromEntries(inherited) });
    return config.frame === 'inherit' ? overlay(whole, frame) : whole;
  },
  trains: (name, { train, places }) => train === 'all' || !places.some((place) => name.startsWith(`blocks.${place}.`)),
};

/** A method of that kind; a call, unlike a spread at the top of a module, can be left out by bundlers. */
function descendantMethod<C extends LearngeneBlocks>(
  own: Pick<OverlayMethod<C>, 'paper' | 'complete'>,
): OverlayMethod<C> {
  return { ...descendant, ...own };
}

/**
 * Heur-LG: Wang et al. 2022, "Learngene: From Open-World to Your Learning Task", AAAI 2022, arXiv 2106.06788. The
 * descendant inherits blocks of a trained model at fixed positions (default: the last half); the rest starts anew.
 */
export const heurLg: OverlayMethod<HeurLgConfig> = /* @__PURE__ */ descendantMethod<HeurLgConfig>({
  paper: 'Wang et al. 2022, Learngene, AAAI, arXiv 2106.06788 (Heur-LG)',
  complete: (input, dit) => complete('heur-lg', input, dit),
});

/**
 * Auto-LG: Wang et al. 2023, "Learngene: Inheriting Condensed Knowledge from the Ancestry Model to Descendant Models",
 * arXiv 2305.02279. As Heur-LG, but the inherited blocks are chosen by training, see `chooseLearngeneBlocks`.
 */
export const autoLg: OverlayMethod<AutoLgConfig> = /* @__PURE__ */ descendantMethod<AutoLgConfig>({
  paper: 'Wang et al. 2023, Learngene: Inheriting Condensed Knowledge, arXiv 2305.02279 (Auto-LG)',
  complete: (input, dit) => complete('auto-lg', input, dit),
});

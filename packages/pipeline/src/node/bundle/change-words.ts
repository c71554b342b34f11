import { listNames } from '@learngene/datasets';
import type { BundleChange } from '@learngene/kind';
import { counted } from '../../counted';
import type { AddedToBundle } from './change-bundle';

/** What {@link changeWords} gives. */
export interface ChangeWords {
  /** What the bundle holds now, and which files were written and deleted. */
  readonly text: string;
  /** What was lost of an adapter, a line a layer that was cut. */
  readonly warnings: readonly string[];
  /** All of it, as JSON. */
  readonly json: object;
}

/** Says what a change made of a bundle. */
export function changeWords(bundle: string, change: BundleChange | AddedToBundle): ChangeWords {
  const { groups, write, remove: deleted } = change;
  const cut = 'cut' in change ? change.cut : undefined;
  const wrote = [...write.keys()];
  const said = wrote.length === 0 ? 'nothing changed' : `wrote ${listNames(wrote, 20)}`;
  const gone = deleted.length === 0 ? '' : `, deleted ${listNames(deleted, 20)}`;
  return {
    text: `${bundle}: ${counted(groups.length, 'group')}; ${said}${gone}`,
    warnings: (cut ?? []).map(
      ({ layer, rank, relativeError }) =>
        `${layer}: rank ${rank} was cut, relative error ${relativeError.toPrecision(2)}`,
    ),
    json: { bundle, groups, wrote, deleted, ...(cut && { cut }) },
  };
}

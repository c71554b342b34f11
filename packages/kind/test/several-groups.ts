import { applyKind } from '../src/apply';
import type { KindModel } from '../src/params';
import { tinyConfig } from './random-model';
import { inputsFor } from './tiny';

/** Class 1 (cat) is in two groups, class 2 (dog) in three; 'cat' has a rank of its own. */
export const GROUPS = [
  { name: 'animals', classes: [0, 1, 2], classNames: ['owl', 'cat', 'dog'] },
  { name: 'cat', classes: [1], classNames: ['cat'], tailorRank: 1 },
  { name: 'dog', classes: [2], classNames: ['dog'] },
  { name: 'toys', classes: [3, 2, 4], classNames: ['ball', 'dog', 'kite'] },
];
export const config = tinyConfig({ groups: GROUPS });
export const NAMES = ['owl', 'cat', 'dog', 'ball', 'kite'];
export const outputOf = ({ config, params }: KindModel, label: number) => {
  const { x, t } = inputsFor([0], { dit: config.dit });
  return applyKind(params, { x, t, labels: Int32Array.of(label) }, { config });
};

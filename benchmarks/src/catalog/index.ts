import { autoencoders } from './autoencoders';
import { decompositions } from './decompositions';
import { engines, growth } from './growth';
import { inference } from './inference';
import { operations, products } from './operations';
import type { Row } from './row';
import { kind, memory, training, transferCell } from './training';

export type { PeerImplementation, Row, Tolerance } from './row';
export { type Section, sections } from './sections';

/** Every comparison, in the order in which they are made. */
export const catalog: readonly Row[] = [
  ...training,
  ...kind,
  ...transferCell,
  ...inference,
  ...products,
  ...operations,
  ...autoencoders,
  ...decompositions,
  ...memory,
  ...engines,
  ...growth,
];

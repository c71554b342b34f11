import type { KlVaeParams } from './kl/params';
import type { TinyVaeParams } from './tiny/params';

/** Parameters of an autoencoder of either type. */
export type VaeParams = TinyVaeParams | KlVaeParams;

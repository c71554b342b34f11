import { checkFields } from '../core/checks';
import type { OverlayMethod } from '../core/method';

/** Every parameter is trained. */
export interface FullConfig {
  /** Name of the method. */
  readonly method: 'full';
}

/**
 * Full fine-tuning: all weights of the DiT are trained, the row of the null label too. With a group for each class,
 * each class has a whole model.
 */
export const full: OverlayMethod<FullConfig> = {
  kind: 'overlay',
  paper: 'full fine-tuning of DiT (Peebles & Xie 2023, arXiv 2212.09748)',
  base: 'dense',
  complete: (input) => {
    checkFields('full', input, ['method']);
    return { method: 'full' };
  },
  trains: () => true,
};

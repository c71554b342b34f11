import { checkFields, checkOneOf } from '../core/checks';
import type { OverlayMethod } from '../core/method';

/** Biases alone are trained. */
export interface BitfitConfig {
  /** Name of the method. */
  readonly method: 'bitfit';
  /**
   * Which biases are trained: 'all' of the model (default), including those of adaLN, or only those of the 'main'
   * layers.
   */
  readonly biases: 'all' | 'main';
}

/**
 * BitFit: Ben-Zaken et al. 2022, "BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked
 * Language-models", arXiv 2106.10199. Trained: bias vectors, starting at the base's.
 */
export const bitfit: OverlayMethod<BitfitConfig> = {
  kind: 'overlay',
  paper: 'Ben-Zaken et al. 2022, BitFit, arXiv 2106.10199',
  base: 'dense',
  complete: (input) => {
    checkFields('bitfit', input, ['method', 'biases']);
    const { biases = 'all' } = input;
    checkOneOf('biases', biases, ['all', 'main']);
    return { method: 'bitfit', biases };
  },
  trains: (name, { biases }) =>
    biases === 'all' ? name.endsWith('.bias') : /^blocks\.\d+\.(attn|mlp)\..*\.bias$/.test(name),
};

import type { DitConfig } from './config';
import { mlpWidth } from './sizes';

/** The six main weights of a block, in the order of the forward pass. */
const MAIN_LINEARS = ['attn.q', 'attn.k', 'attn.v', 'attn.o', 'mlp.in', 'mlp.out'] as const;

/**
 * Names of the six main linear layers of every block, block by block in the order q, k, v, o, in, out:
 * 'blocks.0.attn.q', ..., 'blocks.0.mlp.out', 'blocks.1.attn.q', ... These are the ones that `applyDit` hands to its
 * `linear` argument.
 */
export function blockLinearNames({ depth }: DitConfig): string[] {
  return Array.from({ length: depth }, (_, block) => MAIN_LINEARS.map((name) => `blocks.${block}.${name}`)).flat();
}

/** Widths of a linear layer. */
export interface LinearShape {
  /** Input features. */
  readonly in: number;
  /** Output features. */
  readonly out: number;
}

/** Input and output width of the linear layer `name`, one of `blockLinearNames(config)`; throws for another name. */
export function linearShape(config: DitConfig, name: string): LinearShape {
  const match = /^blocks\.(0|[1-9]\d*)\.(attn\.[qkvo]|mlp\.in|mlp\.out)$/.exec(name);
  if (!match || Number(match[1]) >= config.depth) {
    throw new Error(`name: expected blocks.<0..${config.depth - 1}>.{attn.{q,k,v,o},mlp.{in,out}}, got '${name}'`);
  }
  const { hiddenSize } = config;
  if (match[2] === 'mlp.in') return { in: hiddenSize, out: mlpWidth(config) };
  if (match[2] === 'mlp.out') return { in: mlpWidth(config), out: hiddenSize };
  return { in: hiddenSize, out: hiddenSize };
}

import { blockLinearNames, type DitConfig, ditModules } from '@learngene/dit';
import { checkOneOf } from '../core/checks';

/**
 * Whose names the modules of an adapter's files have: ours ('blocks.0.attn.q'), or those of diffusers'
 * `DiTTransformer2DModel` ('transformer_blocks.0.attn1.to_q').
 */
export type PeftModules = 'learngene' | 'diffusers';

/** Options of {@link decodeAdapter}. */
export interface ModuleOptions {
  /** Whose names the modules have (default 'learngene'). */
  readonly modules?: PeftModules;
}

/** The modules of a network as an adapter's files name them. */
export interface ModuleNames {
  /** The module of a main layer. */
  readonly of: (layer: string) => string;
  /** A pattern of Python that all main layers match, and nothing else. */
  readonly pattern: string;
  /** Modules beside the main layers, which an adapter must not change; empty where only the file's keys tell of them. */
  readonly others: readonly string[];
}

const PATTERNS: Readonly<Record<PeftModules, string>> = {
  learngene: 'blocks\\.\\d+\\.(attn\\.[qkvo]|mlp\\.(in|out))',
  diffusers: 'transformer_blocks\\.\\d+\\.(attn1\\.(to_[qkv]|to_out\\.0)|ff\\.net\\.(0\\.proj|2))',
};

/** The names of a network's modules. */
export function moduleNames(dit: DitConfig, modules: PeftModules = 'learngene'): ModuleNames {
  checkOneOf('modules', modules, ['learngene', 'diffusers']);
  const pattern = PATTERNS[modules];
  if (modules === 'learngene') return { of: (layer) => layer, pattern, others: [] };
  const main = new Set(blockLinearNames(dit));
  const byLayer = new Map<string, string>();
  const others: string[] = [];
  for (const [module, [layer]] of ditModules(dit, modules)) {
    if (main.has(layer)) byLayer.set(layer, module);
    else others.push(module);
  }
  return { of: (layer) => byLayer.get(layer) ?? layer, pattern, others };
}

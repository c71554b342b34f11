import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KindSettings } from '@learngene/kind';
import { ConfigError } from '../errors';
import type { Recipe } from '../recipe/recipe';

/** The files of an exported class: a model of diffusers, an adapter of PEFT, and what the two leave out. */
export const PEFT_FILES = {
  /** Folder of the learngenes as a model of diffusers. */
  model: 'transformer',
  /** Folder of the tailors as a LoRA adapter of PEFT. */
  adapter: 'adapter',
  /** File of a {@link PeftNote}. */
  note: 'learngene.json',
} as const;

const FORMAT = 'learngene-peft';
const VERSION = 1;

/** What neither the model nor the adapter says. */
export interface PeftNote {
  /** Hash of the base that the tailors are made for. */
  readonly base: string;
  /** Name of the group that the adapter has the tailors of; null for the learngenes alone. */
  readonly group: string | null;
  /** Names of the classes, in the order of their labels in the model; the label after them is the null label. */
  readonly classes: readonly string[];
  /** What a sample without label uses: 'learngenes', without the adapter, or 'own-class', with it. */
  readonly nullGate: KindSettings['nullGate'];
  /** `downscale_freq_shift` of the embedding of timesteps, which diffusers' config cannot say (1 there). */
  readonly downscale_freq_shift: number;
  /** Diffusion process, sampler, guidance and seed, as the configuration of a run has them. */
  readonly recipe: Recipe;
}

/** The text of learngene.json. */
export function noteText(note: PeftNote): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION, ...note }, null, 2)}\n`;
}

/** The note of an exported folder; undefined for another folder. */
export function readNote(folder: string): PeftNote | undefined {
  const file = join(folder, PEFT_FILES.note);
  if (!existsSync(file)) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new ConfigError(`${file}: is no JSON`, { cause });
  }
  const { format, version, base, group, classes } = (json ?? {}) as Record<string, unknown>;
  if (format !== FORMAT) return undefined;
  if (version !== VERSION) throw new ConfigError(`${file}: version: expected ${VERSION}, got ${String(version)}`);
  if (typeof base !== 'string') throw new ConfigError(`${file}: base: expected a hash, got ${String(base)}`);
  if (group !== null && typeof group !== 'string') {
    throw new ConfigError(`${file}: group: expected a name or null, got ${JSON.stringify(group)}`);
  }
  if (!Array.isArray(classes) || classes.some((name) => typeof name !== 'string')) {
    throw new ConfigError(`${file}: classes: expected names, got ${JSON.stringify(classes)}`);
  }
  return json as PeftNote;
}

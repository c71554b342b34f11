import type { Generator } from '@learngene/random';
import { Tensor } from '@tensorflow/tfjs-core';

/** What came, as it may stand in a message: text in quotes, an object by the name of its class. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 80)}'`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `an object (${value.constructor?.name ?? 'without a class'})`;
}

/** Throws unless `value` is an object that is no list; returns it. */
export function checkObject(name: string, value: object): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${name}: expected an object, got ${shown(value)}`);
  }
}

/** Throws unless `options` is an object whose fields are all in `known`: a misspelt one would be passed over in silence. */
export function checkOptions(options: object, known: readonly string[]): void {
  checkObject('options', options);
  const odd = Object.keys(options).find((name) => !known.includes(name));
  if (odd !== undefined) throw new Error(`options: expected only ${known.join(', ')}, got '${odd}'`);
}

/** Throws unless `tensors` can be read as a Map by name. */
export function checkTensors(tensors: ReadonlyMap<string, unknown>): void {
  if (typeof tensors?.get === 'function' && typeof tensors.keys === 'function') return;
  throw new Error(`tensors: expected a Map of tensors by name, got ${shown(tensors)}`);
}

/** Throws unless `value` is text. */
export function checkText(name: string, value: string): void {
  if (typeof value !== 'string') throw new Error(`${name}: expected text, got ${shown(value)}`);
}

/** Throws unless `x` is a tensor. */
export function checkTensor(name: string, x: Tensor): void {
  if (!(x instanceof Tensor)) throw new Error(`${name}: expected a tensor, got ${x === null ? 'null' : typeof x}`);
}

/** Throws unless `g` is a generator of `@learngene/random`. */
export function checkGenerator(g: Generator): void {
  if (g?.table instanceof Uint32Array && typeof g.position === 'number') return;
  throw new Error(`g: expected a generator of createGenerator, got ${shown(g)}`);
}

/** Throws unless `config` is of one of the types of autoencoders; its other fields are trusted, see `validateVaeConfig`. */
export function checkConfig(config: { readonly type: 'tiny' | 'kl' }): void {
  checkObject('config', config);
  if (config.type === 'tiny' || config.type === 'kl') return;
  throw new Error(`config.type: expected 'tiny' or 'kl', got ${shown((config as { type: unknown }).type)}`);
}

/** Throws unless `params` has the part of an autoencoder that is computed; what is in it is trusted. */
export function checkParams(params: object, parts: readonly ('encoder' | 'decoder')[]): void {
  checkObject('params', params);
  for (const part of parts) {
    const value = (params as Record<string, unknown>)[part];
    if (typeof value === 'object' && value !== null) continue;
    throw new Error(`params.${part}: expected the ${part}'s parameters, got ${shown(value)}`);
  }
}

export { bernoulli } from './bernoulli';
export { createGenerator, type Generator } from './generator';
export { type IntegerOptions, randomIntegers } from './integers';
export { type NormalFill, type NormalOptions, normal, registerNormal } from './normal';
export { permutation } from './permutation';
export { type GeneratorState, restoreGenerator, saveGenerator } from './state';
export { stream, streamSeed } from './stream';
export { type UniformOptions, uniform } from './uniform';

export { EngineError } from './errors';
export { productRate } from './product-rate';
export { type EngineName, engineNames } from './types';

export { readVae, type VaeFolder, type WriteVaeOptions, writeVae } from './node/folder';
export { type OriginalVaeFiles, type ReadOriginalVaeOptions, readOriginalVae } from './node/original';
export { type TinyVaePair, tinyVaePair } from './node/tiny-pair';

export { readVae, type VaeFolder, type WriteVaeOptions, writeVae } from './node/folder';

export { gridPng } from './node-grid-png';
export { type GridRowsOptions, gridRows } from './node-grid-rows';

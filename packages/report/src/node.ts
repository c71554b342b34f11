export { gridPng } from './node-grid-png';

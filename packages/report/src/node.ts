export { gridPng, type Pictures } from './image-grid';

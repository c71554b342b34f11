export { type IntervalRow, intervalChart } from './interval-chart';
export { lineChart, type Series } from './line-chart';
export { reportMarkdown } from './markdown';
export { reportPage } from './page';
export type { Cell, Chart, GalleryPicture, Section } from './sections';
export { firstOfEach } from './take-per-class';

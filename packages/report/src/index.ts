export { type CsvCell, csv } from './csv';
export { imageGrid } from './image-grid';
export type { Images } from './images';
export { type IntervalRow, intervalChart } from './interval-chart';
export { type ChartOptions, type ChartSize, lineChart, type Point, type Series } from './line-chart';
export { type Assets, type MarkdownOptions, type MarkdownReport, reportMarkdown } from './markdown';
export { reportPage } from './page';
export type {
  Cell,
  Chart,
  ChartSection,
  ChartsSection,
  CodeSection,
  DetailsSection,
  GalleryImage,
  GallerySection,
  ImageSection,
  ImageTableRow,
  ImageTableSection,
  ListSection,
  Section,
  TableSection,
  TextSection,
  TonedCell,
} from './sections';
export { smoothed } from './smooth';
export { takePerClass } from './take-per-class';
export { type ScalarEvent, tensorboardEvents } from './tensorboard';

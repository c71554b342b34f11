/** A cell of a table: plain text, or text with what it says of itself. */
export type Cell = string | TonedCell;

/** Text of a cell with what it says of itself. */
export interface TonedCell {
  /** What the cell says. */
  text: string;
  /** Good or bad news, what matters most, what matters least. */
  tone?: 'good' | 'bad' | 'strong' | 'soft';
}

/** A drawn chart and the words for those who do not see it. */
export interface Chart {
  /** An `<svg>` element. */
  svg: string;
  /** What it shows, in a sentence. */
  title?: string;
  /** Name of its file in Markdown, without an ending (default: made of the title). */
  file?: string;
  /** A remark below it. */
  note?: string;
}

/** An image of a gallery. */
export interface GalleryImage {
  /** What it shows. */
  title: string;
  /** Name of its file in Markdown, without an ending (default: made of the title). */
  file?: string;
  /** A remark beside the title. */
  note?: string;
  /** The bytes of a PNG file. */
  png: Uint8Array;
}

/** Paragraphs. */
export interface TextSection {
  /** Says which section it is. */
  kind: 'text';
  /** Its heading. */
  title?: string;
  /** The paragraphs, with an empty line between two. */
  text: string;
}

/** A list with bullets. */
export interface ListSection {
  /** Says which section it is. */
  kind: 'list';
  /** Its heading. */
  title?: string;
  /** A remark above it. */
  note?: string;
  /** A line for each bullet. */
  items: readonly string[];
}

/** A table. */
export interface TableSection {
  /** Says which section it is. */
  kind: 'table';
  /** Its heading, or its caption where it is minor. */
  title: string;
  /** A remark above it; below it where it is minor. */
  note?: string;
  /** Names of the columns. */
  header: readonly string[];
  /** Cells, row by row; the first of a row names it. */
  rows: readonly (readonly Cell[])[];
  /** Under its text's heading, with a caption only (default false). */
  minor?: boolean;
}

/** One chart, in line with the text. */
export interface ChartSection extends Chart {
  /** Says which section it is. */
  kind: 'chart';
}

/** Charts side by side. */
export interface ChartsSection {
  /** Says which section it is. */
  kind: 'charts';
  /** Its heading. */
  title?: string;
  /** A remark above them. */
  note?: string;
  /** The charts. */
  charts: readonly Chart[];
}

/** One image. */
export interface ImageSection {
  /** Says which section it is. */
  kind: 'image';
  /** Its heading, and its words for those who do not see it. */
  title: string;
  /** A remark above it. */
  note?: string;
  /** The bytes of a PNG file. */
  png: Uint8Array;
  /** What the rows of a grid are, from top to bottom. */
  rowNames?: readonly string[];
}

/** Images side by side, each with its caption. */
export interface GallerySection {
  /** Says which section it is. */
  kind: 'gallery';
  /** Its heading. */
  title: string;
  /** A remark above them. */
  note?: string;
  /** The images. */
  images: readonly GalleryImage[];
}

/** A row of an {@link ImageTableSection}. */
export interface ImageTableRow {
  /** What the pictures of the row are of. */
  name: string;
  /** The bytes of a PNG file for each column but the first; undefined leaves a cell empty. */
  images: readonly (Uint8Array | undefined)[];
}

/** Pictures in rows and columns that have names. */
export interface ImageTableSection {
  /** Says which section it is. */
  kind: 'image-table';
  /** Its heading. */
  title: string;
  /** A remark above it. */
  note?: string;
  /** Names of the columns; the first is that of the rows' names. */
  header: readonly string[];
  /** The rows. */
  rows: readonly ImageTableRow[];
}

/** Code, or another text whose lines stay as they are. */
export interface CodeSection {
  /** Says which section it is. */
  kind: 'code';
  /** Its heading. */
  title?: string;
  /** A remark above it. */
  note?: string;
  /** The text. */
  code: string;
}

/** Sections that a reader opens. */
export interface DetailsSection {
  /** Says which section it is. */
  kind: 'details';
  /** The line that opens them. */
  title: string;
  /** What is inside. */
  sections: readonly Section[];
}

/** A part of a report: plain data. Texts need no escaping; an `svg` is taken as it is. */
export type Section =
  | TextSection
  | ListSection
  | TableSection
  | ChartSection
  | ChartsSection
  | ImageSection
  | GallerySection
  | ImageTableSection
  | CodeSection
  | DetailsSection;

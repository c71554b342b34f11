/** A cell of a table: plain text, or text with what it says of itself. */
export type Cell =
  | string
  | {
      /** What the cell says. */
      text: string;
      /** Good or bad news, what matters most, what matters least. */
      tone?: 'good' | 'bad' | 'strong' | 'soft';
    };

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

/** A part of a report: plain data. Texts need no escaping; an `svg` is taken as it is. */
export type Section =
  | { kind: 'text'; title?: string; text: string }
  | { kind: 'list'; title?: string; note?: string; items: readonly string[] }
  | {
      kind: 'table';
      title: string;
      note?: string;
      header: readonly string[];
      rows: readonly (readonly Cell[])[];
      /** Under its text's heading, with a caption only (default false). */
      minor?: boolean;
    }
  | ({ kind: 'chart' } & Chart)
  | { kind: 'charts'; title?: string; note?: string; charts: readonly Chart[] }
  | { kind: 'image'; title: string; note?: string; png: Uint8Array; rowNames?: readonly string[] }
  | { kind: 'gallery'; title: string; note?: string; images: readonly GalleryImage[] }
  | { kind: 'code'; title?: string; note?: string; code: string }
  | {
      kind: 'details';
      /** The line that opens them. */
      title: string;
      sections: readonly Section[];
    };

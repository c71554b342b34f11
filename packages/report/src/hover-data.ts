import { escapeHtml } from './escape';

/** An axis of a chart. */
interface HoverAxis {
  /** Whether it is logarithmic. */
  log: boolean;
  /** The numbers at its ends. */
  domain: readonly [number, number];
}

/** What the values of a chart are and where they stand in it, for the script of a page. */
export interface HoverData {
  /** The plot area in units of the chart. */
  area: { left: number; top: number; width: number; height: number };
  /** The horizontal axis. */
  x: HoverAxis & { title: string };
  /** The vertical axis. */
  y: HoverAxis;
  /** The lines: name, colour, the points' x and their y. */
  lines: readonly (readonly [name: string, color: string, xs: readonly number[], ys: readonly number[]])[];
}

/** Begins what {@link withHover} puts into a chart. */
export const HOVER_MARK = '<metadata class="values">';

/** A chart that holds its values, so that a page can show them under the pointer. */
export function withHover(svg: string, data: HoverData): string {
  return svg.replace(/<\/svg>\s*$/, `${HOVER_MARK}${escapeHtml(JSON.stringify(data))}</metadata></svg>`);
}

/** A chart without what {@link withHover} put in. */
export function withoutHover(svg: string): string {
  return svg.replace(/<metadata class="values">[^<]*<\/metadata>/, '');
}

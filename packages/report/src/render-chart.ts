import type { Config, Spec, View } from 'vega';
import { withoutHover } from './hover-data';

/** Colours that can be told apart on white and on near-black; the first is for what a chart is about. */
export const PALETTE = [
  '#3f7ae0',
  '#d6582b',
  '#2c9a6a',
  '#a066d3',
  '#a5820f',
  '#7d8590',
  '#d8559a',
  '#1e9bb5',
] as const;

/** What charts draw text, axes and grids with: the colour of the text around them, so that they suit light and dark pages. */
const INK = 'currentColor';

const CONFIG: Config = {
  axis: { labelColor: INK, titleColor: INK, domainColor: INK, tickColor: INK, gridColor: INK, gridOpacity: 0.14 },
  legend: { labelColor: INK, titleColor: INK, labelLimit: 260 },
  title: { color: INK },
};

/**
 * Draws a specification as an SVG element without a background, in the colour of the text around it.
 *
 * @param look Looks at the chart once it is drawn, and gives the element.
 */
export async function renderChart(spec: Spec, look = (svg: string, _: View): string => svg): Promise<string> {
  const vega = await import('vega'); // Only reports need it, and it takes as long to load as all else.
  const view = new vega.View(vega.parse({ padding: 8, background: 'transparent', ...spec }, CONFIG), {
    renderer: 'none',
  });
  try {
    return look(await view.toSVG(), view);
  } finally {
    view.finalize();
  }
}

/** A drawn chart as a file of its own: with a background, light or dark as the reader's system is. */
export function chartFile(svg: string): string {
  const style =
    '<style>svg{color:#1c1f24;background:#fff}@media (prefers-color-scheme:dark){svg{color:#e8e8e4;background:#17191c}}</style>';
  return `${withoutHover(svg).replace(/^(<svg[^>]*>)/, `$1${style}`)}\n`;
}

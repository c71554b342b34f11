import type { Spec } from 'vega';
import type { ResultRow } from './result';

const [oursColor, peerColor] = ['#3268d6', '#d6582b'];

/** Horizontal bars of the ratios on a logarithmic axis; 1 is the peer. As an SVG document. */
export function ratioChart(rows: readonly ResultRow[]): Promise<string> {
  const values = rows.flatMap(({ name, peer, ratio }) =>
    ratio === null ? [] : [{ name: `${name} · ${peer}`, ratio }],
  );
  const spec: Spec = {
    width: 420,
    height: { signal: `18 * ${values.length}` } as never,
    padding: 8,
    background: 'white',
    title: { text: 'How many times faster than the peer', anchor: 'start', fontSize: 14 },
    data: [{ name: 'rows', values }],
    scales: [
      { name: 'x', type: 'log', range: 'width', domain: { data: 'rows', field: 'ratio' }, nice: true, domainMin: 0.5 },
      { name: 'y', type: 'band', range: 'height', domain: { data: 'rows', field: 'name' }, padding: 0.25 },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', values: [0.5, 1, 2, 5, 10], format: '~r', grid: true, gridOpacity: 0.3 },
      { orient: 'left', scale: 'y', labelLimit: 480, ticks: false, domain: false },
    ],
    marks: [
      {
        type: 'rect',
        from: { data: 'rows' },
        encode: {
          enter: {
            x: { scale: 'x', value: 1 },
            x2: { scale: 'x', field: 'ratio' },
            y: { scale: 'y', field: 'name' },
            height: { scale: 'y', band: 1 },
            fill: [{ test: 'datum.ratio < 1', value: peerColor }, { value: oursColor }],
          },
        },
      },
    ],
  };
  return render(spec);
}

/** How the time of a step grows: both sides over x, both axes logarithmic. As an SVG document. */
export function growthChart(rows: readonly ResultRow[], xTitle: string): Promise<string> {
  const values = rows.flatMap(({ x, oursMs, peerMs, peer }) => [
    { side: 'ours', x, ms: oursMs },
    ...(peerMs === null ? [] : [{ side: peer, x, ms: peerMs }]),
  ]);
  const line = { x: { scale: 'x', field: 'x' }, y: { scale: 'y', field: 'ms' } };
  const spec: Spec = {
    width: 320,
    height: 220,
    padding: 8,
    background: 'white',
    data: [{ name: 'lines', values }],
    scales: [
      { name: 'x', type: 'log', range: 'width', domain: { data: 'lines', field: 'x' } },
      { name: 'y', type: 'log', range: 'height', domain: { data: 'lines', field: 'ms' }, nice: true },
      { name: 'color', type: 'ordinal', range: [oursColor, peerColor], domain: { data: 'lines', field: 'side' } },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: xTitle, values: rows.map(({ x }) => x as number), format: 'd' },
      { orient: 'left', scale: 'y', title: 'ms a step', format: '~s', tickCount: 4, grid: true, gridOpacity: 0.3 },
    ],
    legends: [{ stroke: 'color', orient: 'top', symbolType: 'stroke', labelLimit: 260 }],
    marks: [
      {
        type: 'group',
        from: { facet: { name: 'side', data: 'lines', groupby: 'side' } },
        marks: [
          {
            type: 'line',
            from: { data: 'side' },
            encode: { enter: { ...line, stroke: { scale: 'color', field: 'side' }, strokeWidth: { value: 2 } } },
          },
          {
            type: 'symbol',
            from: { data: 'side' },
            encode: { enter: { ...line, fill: { scale: 'color', field: 'side' }, size: { value: 30 } } },
          },
        ],
      },
    ],
  } as Spec;
  return render(spec);
}

async function render(spec: Spec): Promise<string> {
  const vega = await import('vega');
  const view = new vega.View(vega.parse(spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

import { countDitMacs, countDitParams, type DitConfig } from '@learngene/dit';
import { countKind, countTransferParams, type KindConfig, type KindModel } from '@learngene/kind';
import { lineChart, type Section } from '@learngene/report';
import { componentSpectra } from './component-spectra';

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
const count = (value: number) => value.toLocaleString('en-US');

/** More lines than these have no legend: the pointer and the table name them. */
const MOST_NAMED = 12;

/** The energies of the learngenes and of every group's tailors; none where no energy is finite. */
export async function spectrumSections(model: KindModel): Promise<Section[]> {
  const spectra = await componentSpectra(
    model,
    model.config.groups.map(({ name }) => name),
  );
  if (spectra.length === 0) return [];
  const title = 'Component spectra, mean over layers';
  const [first, ...others] = spectra;
  const svg = await lineChart([{ ...first, strong: true }, ...others], {
    title,
    xTitle: 'component, by energy',
    yTitle: 'energy s²‖u‖²‖v‖²',
    logY: true,
    size: { width: 760, height: 320 },
    legend: spectra.length > MOST_NAMED ? 'none' : 'right',
  });
  const note = 'What is common is in the learngenes; a group that carries much of its own has tailors of high energy.';
  const total = ({ points }: (typeof spectra)[number]) => points.reduce((sum, { y }) => sum + y, 0);
  const all = spectra.map((line) => ({ name: line.name, energy: total(line), largest: line.points[0].y }));
  const shown = (value: number) => value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
  const rows = all
    .sort((a, b) => b.energy - a.energy)
    .map(({ name, energy, largest }) => [name, shown(energy), shown(largest)]);
  return [
    { kind: 'chart', svg, title, note },
    {
      kind: 'details',
      title: 'Energy of every group',
      sections: [
        { kind: 'table', title: 'Mean over layers', header: ['', 'sum', 'largest component'], rows, minor: true },
      ],
    },
  ];
}

/** The cost of a model and of its parts. */
export function sizeSection(model: KindConfig): Section {
  const { params, macs, bytes } = countKind(model);
  const first = model.groups[0]?.name;
  return {
    kind: 'table',
    title: 'What the pieces cost',
    header: ['', 'this model', 'dense DiT of the same size'],
    rows: [
      ['parameters, all groups', count(params.total), count(params.dense)],
      [
        'trained for one novel class',
        count(countTransferParams(model, { groups: 1, classes: 1 })),
        count(params.dense),
      ],
      ['MACs of one forward pass of a class', count(macs.total), count(macs.dense.total)],
      ['bytes of one more class', first === undefined ? '0' : megabytes(bytes.tailors[first]), megabytes(bytes.dense)],
      ['bytes of a one-class model', megabytes(bytes.oneGroup), megabytes(bytes.dense)],
    ],
  };
}

/** What a dense model costs. */
export function denseSizeSection(config: DitConfig): Section {
  return {
    kind: 'table',
    title: 'What the model costs',
    header: ['', 'dense DiT'],
    rows: [
      ['parameters', count(countDitParams(config).trainable)],
      ['MACs of one forward pass', count(countDitMacs(config).total)],
    ],
  };
}

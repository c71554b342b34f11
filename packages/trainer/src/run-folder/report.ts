import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { countDitMacs, countDitParams } from '@learngene/dit';
import { countKind, countTransferParams, type DenseModel, type KindModel } from '@learngene/kind';
import { classNamesOf, type DiffusionModel, isKindModel } from '@learngene/pipeline';
import type { RunRecord } from '@learngene/pipeline/node';
import { lineChart, reportPage, type Section } from '@learngene/report';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import { isKindSetting } from '../config/dense-config';
import { componentSpectra } from './component-spectra';
import { readMetricsLog } from './metrics-log';

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
const count = (value: number) => value.toLocaleString('en-US');

/** The options of {@link curveSections}. */
export interface CurveSectionsOptions {
  /** Whether the validation loss is drawn beside the loss: only where both are the same quantity (default true). */
  validation?: boolean;
}

/** The loss and memory curves of a run. */
export async function curveSections(run: string, { validation = true }: CurveSectionsOptions = {}): Promise<Section[]> {
  const lines = readMetricsLog(run);
  if (lines.length === 0) return [];
  // JSON has no NaN: a log has null in its place.
  const pointsOf = (field: 'loss' | 'validationLoss' | 'rssMiB') =>
    lines.flatMap(({ step, [field]: y }) => (typeof y === 'number' ? [{ x: step, y }] : []));
  const curves = [
    { name: 'loss', points: pointsOf('loss') },
    { name: 'validation loss', points: validation ? pointsOf('validationLoss') : [] },
  ].filter(({ points }) => points.length > 0);
  const rss = pointsOf('rssMiB');
  const sections: Section[] = [];
  if (curves.length > 0) {
    sections.push({
      kind: 'chart',
      svg: await lineChart(curves, {
        title: curves.length > 1 ? 'Training and validation loss' : 'Training loss',
        xTitle: 'step',
        yTitle: 'loss',
        logY: true,
      }),
    });
  }
  if (rss.length > 0) {
    sections.push({
      kind: 'chart',
      svg: await lineChart([{ name: 'resident memory', points: rss }], {
        title: 'Memory of the process',
        xTitle: 'step',
        yTitle: 'MiB',
      }),
    });
  }
  return sections;
}

/** The energies of learngenes and of at most six groups' tailors; none where no energy is finite. */
export async function spectrumSection(model: KindModel): Promise<Section[]> {
  const groups = model.config.groups.slice(0, 6).map(({ name }) => name);
  const spectra = await componentSpectra(model, groups);
  if (spectra.length === 0) return [];
  const svg = await lineChart(spectra, {
    title: 'Component spectra, mean over layers',
    xTitle: 'component, by energy',
    yTitle: 'energy s²‖u‖²‖v‖²',
    logY: true,
  });
  const note = 'What is common is in the learngenes; a group that carries much of its own has tailors of high energy.';
  return [{ kind: 'chart', svg, note }];
}

/** The cost of a model and of its parts. */
export function sizeSection(model: KindModel): Section {
  const { params, macs, bytes } = countKind(model.config);
  const first = model.config.groups[0]?.name;
  return {
    kind: 'table',
    title: 'What the pieces cost',
    header: ['', 'this model', 'dense DiT of the same size'],
    rows: [
      ['parameters, all groups', count(params.total), count(params.dense)],
      [
        'trained for one novel class',
        count(countTransferParams(model.config, { groups: 1, classes: 1 })),
        count(params.dense),
      ],
      ['MACs of one forward pass of a class', count(macs.total), count(macs.dense.total)],
      ['bytes of one more class', first === undefined ? '0' : megabytes(bytes.tailors[first]), megabytes(bytes.dense)],
      ['bytes of a one-class model', megabytes(bytes.oneGroup), megabytes(bytes.dense)],
    ],
  };
}

/** What a dense model costs. */
function denseSizeSection({ config }: DenseModel): Section {
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

/** The sample grids of a run that were drawn while it trained, the first one first. */
export async function sampleGrids(run: string): Promise<{ step: number; png: Uint8Array }[]> {
  const names = (await readdir(join(run, 'samples')).catch(() => [])).filter((name) => name.endsWith('.png'));
  const grids = names.map(async (name) => ({
    step: Number(/\d+/.exec(name)?.[0] ?? 0),
    png: await readFile(join(run, 'samples', name)),
  }));
  return (await Promise.all(grids)).sort((a, b) => a.step - b.step);
}

/** The newest sample grids of a run, at most `most`. */
async function gridSections(run: string, most: number): Promise<Section[]> {
  const newest = (await sampleGrids(run)).reverse().slice(0, most);
  return newest.map(({ step, png }) => ({ kind: 'image', title: `Samples, step ${step}`, png }));
}

const TITLES = { train: 'KIND pre-training', transfer: 'KIND transfer' } as const;

/** Writes `report.html` of a run. */
export async function writeRunReport(run: string, record: RunRecord, ema: DiffusionModel): Promise<string> {
  const { config } = record;
  const names = classNamesOf(record.model);
  const sections: Section[] = [
    { kind: 'text', title: 'Classes', text: names.join(' · ') },
    ...(await gridSections(run, 3)),
    ...(await curveSections(run)),
    ...(isKindModel(ema) ? [...(await spectrumSection(ema)), sizeSection(ema)] : [denseSizeSection(ema)]),
    {
      kind: 'table',
      title: 'How it was made',
      header: ['setting', 'value'],
      rows: [
        ['seed', String(config.seed)],
        ['engine', record.engine],
        ...Object.entries(record.versions).map(([name, version]) => [name, version]),
        ...(['data', 'autoencoder', 'model', 'diffusion', 'training', 'validation', 'sampling'] as const).flatMap(
          (part) =>
            Object.entries(config[part] ?? {})
              .filter(([key]) => record.kind === 'kind' || !isKindSetting(part, key))
              .map(([key, value]) => [`${part}.${key}`, JSON.stringify(value) ?? '']),
        ),
      ],
    },
  ];
  const path = join(run, 'report.html');
  const title = record.kind === 'dense' ? 'DiT training' : TITLES[record.command];
  await writeFileAtomic(path, reportPage(title, `${run}, ${config.training.steps} steps`, sections));
  return path;
}

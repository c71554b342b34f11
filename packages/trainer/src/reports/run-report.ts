import { join } from 'node:path';
import type { KindModel } from '@learngene/kind';
import { classNamesOf, counted, sampledShape } from '@learngene/pipeline';
import type { RunRecord } from '@learngene/pipeline/node';
import { reportPage, type Section } from '@learngene/report';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import { isKindSetting } from '../config/dense-config';
import { readMetricsLog } from '../run-folder/metrics-log';
import { type Curves, curve, curvesOf } from './curves';
import { denseSizeSection, sizeSection, spectrumSections } from './model-sections';
import { runCharts } from './run-charts';
import { GRID_COLUMNS, progressSection } from './sample-progress';
import { fidWords } from './score-words';

/** The options of {@link curveSections}. */
export interface CurveSectionsOptions {
  /** Whether the validation loss is drawn beside the loss: only where both are the same quantity (default true). */
  validation?: boolean;
}

/** The charts of a run's log, side by side; none where nothing was logged. */
export async function curveSections(run: string, { validation = true }: CurveSectionsOptions = {}): Promise<Section[]> {
  const charts = await runCharts(curvesOf(readMetricsLog(run)), { validation });
  return charts.length === 0 ? [] : [{ kind: 'charts', title: 'While it trained', charts }];
}

const TITLES = { train: 'KIND pre-training', transfer: 'KIND transfer' } as const;

/** The last figures of a run, with what they mean. */
function summary({ config }: RunRecord, curves: Curves): Section {
  const last = (name: string) => curve(curves, name).at(-1);
  const shown = (value: number) => value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
  const loss = last('loss');
  const done =
    loss === undefined
      ? 'No step is in the log yet.'
      : `Step ${shown(loss.x)} of ${shown(config.training.steps)}: loss ${shown(loss.y)}.`;
  const heldOut = last('validationLoss');
  const validation =
    heldOut === undefined
      ? []
      : [
          `Validation loss ${shown(heldOut.y)}, on images that were not trained on: where it rises while the loss falls, the model remembers its images.`,
        ];
  const [fid, noiseFid, trainFid] = ['fid', 'noiseFid', 'trainFid'].map((name) => last(name)?.y);
  const scored = fid !== undefined && noiseFid !== undefined && trainFid !== undefined;
  const score = scored
    ? [`${fidWords({ fid, noiseFid, trainFid })} By the features of a small classifier of these classes.`]
    : [];
  return { kind: 'text', text: [done, ...validation, ...score].join(' ') };
}

/** All settings of a run that have a part in it. */
function settings(record: RunRecord): Section {
  const { config, engine, versions } = record;
  const parts = ['data', 'autoencoder', 'model', 'diffusion', 'training', 'validation', 'sampling'] as const;
  const rows = parts.flatMap((part) =>
    Object.entries(config[part] ?? {})
      .filter(([key]) => record.kind === 'kind' || !isKindSetting(part, key))
      .map(([key, value]) => [`${part}.${key}`, JSON.stringify(value) ?? '']),
  );
  const header = ['setting', 'value'];
  return {
    kind: 'table',
    title: 'How it was made',
    header,
    rows: [['seed', String(config.seed)], ['engine', engine], ...Object.entries(versions), ...rows],
  };
}

/**
 * The page of a run.
 *
 * @param run The run folder, which holds its log and its grids.
 * @param model The model with its averaged weights, whose spectra are shown; left out where there is none.
 */
export async function runPage(run: string, record: RunRecord, model?: KindModel): Promise<string> {
  const { config } = record;
  const names = classNamesOf(record.model);
  const { width, height } = sampledShape(record.model.dit, config);
  const sections: Section[] = [
    summary(record, curvesOf(readMetricsLog(run))),
    ...(await progressSection(run, { width, height, columns: GRID_COLUMNS, names })),
    ...(await curveSections(run)),
    ...(model === undefined ? [] : await spectrumSections(model)),
    record.kind === 'kind' ? sizeSection(record.model) : denseSizeSection(record.model.dit),
    { kind: 'text', title: 'Classes', text: names.join(' · ') },
    settings(record),
  ];
  const title = record.kind === 'dense' ? 'DiT training' : TITLES[record.command];
  return reportPage(title, `${run}, ${counted(config.training.steps, 'step')}`, sections);
}

/**
 * Writes `report.html` of a run.
 *
 * @returns its path
 */
export async function writeRunReport(run: string, record: RunRecord, model?: KindModel): Promise<string> {
  const path = join(run, 'report.html');
  await writeFileAtomic(path, await runPage(run, record, model));
  return path;
}

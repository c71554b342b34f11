import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { counted } from '@learngene/pipeline';
import { lineChart, reportPage, type Section } from '@learngene/report';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import { curveSections } from '../reports/run-report';
import { readMetricsLog } from '../run-folder/metrics-log';
import type { VaeRunRecord } from './record';
import type { VaeRunOutcome } from './run-vae-training';

/** The newest grid of a run, real images above rebuilt ones. */
async function gridSections(run: string): Promise<Section[]> {
  const stepOf = (name: string) => Number(/\d+/.exec(name)?.[0] ?? 0);
  const names = (await readdir(join(run, 'samples')).catch(() => [])).filter((name) => name.endsWith('.png'));
  const newest = names.sort((a, b) => stepOf(b) - stepOf(a))[0];
  if (newest === undefined) return [];
  return [
    {
      kind: 'image',
      title: `Images that were not trained on, each above what the autoencoder makes of it (step ${stepOf(newest)})`,
      png: await readFile(join(run, 'samples', newest)),
    },
  ];
}

/** The error on held-out images over the training. */
async function errorSections(run: string): Promise<Section[]> {
  const points = readMetricsLog(run).flatMap(({ step, validationLoss }) =>
    validationLoss === undefined ? [] : [{ x: step, y: validationLoss }],
  );
  if (points.length < 2) return [];
  const svg = await lineChart([{ name: 'held-out error', points }], {
    title: 'Held-out error: mean squared error of held-out images, pixels in [0, 1]',
    xTitle: 'step',
    yTitle: 'mean squared error',
    logY: true,
  });
  return [{ kind: 'chart', svg }];
}

/** Writes `report.html` of a run that trained an autoencoder. */
export async function writeVaeReport(
  run: string,
  record: VaeRunRecord,
  outcome: Omit<VaeRunOutcome, 'report'>,
): Promise<string> {
  const { config } = record;
  const { parameters, meanSquaredError, heldOut, scale, bytes } = outcome;
  const measured = meanSquaredError === undefined ? 'not measured: nothing was held out' : meanSquaredError.toFixed(6);
  const sections: Section[] = [
    ...(await gridSections(run)),
    {
      kind: 'table',
      title: 'What came of it',
      header: ['', 'value'],
      rows: [
        [`mean squared error of ${heldOut} held-out images, pixels in [0, 1], weights as they are kept`, measured],
        ['parameters', parameters.toLocaleString('en-US')],
        ['bytes of the weights', bytes.toLocaleString('en-US')],
        ['scaling factor and shift of the latents', `${scale.scalingFactor}, ${scale.shiftFactor}`],
      ],
    },
    ...(await errorSections(run)),
    ...(await curveSections(run, { validation: false })), // The loss is weighted, the held-out error is not.
    {
      kind: 'table',
      title: 'How it was made',
      header: ['setting', 'value'],
      rows: [
        ['seed', String(config.seed)],
        ['engine', record.engine],
        ...Object.entries(record.versions).map(([name, version]) => [name, version]),
        ...(['data', 'loss', 'augmentation', 'training'] as const).flatMap((part) =>
          Object.entries(config[part]).map(([key, value]) => [`${part}.${key}`, JSON.stringify(value) ?? '']),
        ),
        ...Object.entries(record.model).map(([key, value]) => [`model.${key}`, JSON.stringify(value)]),
      ],
    },
  ];
  const path = join(run, 'report.html');
  await writeFileAtomic(
    path,
    reportPage('Training of an autoencoder', `${run}, ${counted(config.training.steps, 'step')}`, sections),
  );
  return path;
}

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { autoencoderWords } from '@learngene/pipeline';
import type { Cell, Section } from '@learngene/report';
import { z } from 'zod';
import { specOfAnyFormat } from '../plan/old-formats';
import { compact, fixed, NOTHING } from './format';
import { byMethod } from './methods';
import { nameCell } from './table-sections';

const number = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

const tuningSchema = z.object({
  task: z.string(),
  method: z.string(),
  macsRank: z.number().optional(),
  tried: z.array(
    z.object({
      learningRate: z.number(),
      guidances: z.array(z.object({ mode: z.string(), scale: z.number(), fid: number })),
      error: z.string().optional(),
    }),
  ),
  learningRate: z.number(),
  guidance: z.object({ chosen: z.string(), scale: z.number() }),
});

const baseSchema = z.object({
  spec: z.looseObject({ form: z.string() }),
  dataset: z.string(),
  autoencoder: z.object({ name: z.string(), hash: z.string() }).optional(),
  classes: z.array(z.string()),
  seed: z.number(),
  learningRate: z.number(),
  validationLoss: number,
  parameters: number,
});

const classifierSchema = z.object({
  dataset: z.string(),
  role: z.string(),
  classes: z.array(z.string()),
  accuracy: number,
});

/** The documents of a folder that follow a schema, in the order of their names. */
async function documents<T>(folder: string, file: (name: string) => string, schema: z.ZodType<T>): Promise<T[]> {
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    names.sort().map(async (name) => {
      const path = join(folder, file(name));
      if (!existsSync(path) || !path.endsWith('.json')) return [];
      try {
        const parsed = schema.safeParse(JSON.parse(await readFile(path, 'utf8')));
        return parsed.success ? [parsed.data] : [];
      } catch {
        return [];
      }
    }),
  );
  return found.flat();
}

const rate = (value: number) => value.toExponential(1).replace('.0', '');

function tuningSection(tunings: readonly z.output<typeof tuningSchema>[]): Section[] {
  if (tunings.length === 0) return [];
  const sorted = [...tunings].sort((a, b) => a.task.localeCompare(b.task) || byMethod(a.method, b.method));
  return [
    {
      kind: 'table',
      minor: true,
      title: 'What was tried on the tuning classes',
      note: 'Best FID over guidances at every learning rate; the classes of the tables had no part in it.',
      header: ['method', 'task', 'FID at the learning rates', 'chosen rate', 'chosen guidance', 'guidances tried'],
      rows: sorted.map(({ method, task, macsRank, tried, learningRate, guidance }): Cell[] => [
        nameCell(method),
        macsRank === undefined ? task : `${task}, equal MACs`,
        [...tried]
          .sort((a, b) => a.learningRate - b.learningRate)
          .map(({ learningRate: at, guidances }) => {
            const finite = guidances.map(({ fid }) => fid).filter(Number.isFinite);
            return `${rate(at)}: ${finite.length === 0 ? 'failed' : Math.min(...finite).toFixed(1)}`;
          })
          .join(' · '),
        rate(learningRate),
        `${guidance.chosen}${guidance.chosen === 'none' ? '' : ` × ${guidance.scale}`}`,
        String(tried.reduce((sum, { guidances }) => sum + guidances.length, 0)),
      ]),
    },
  ];
}

function baseSection(bases: readonly z.output<typeof baseSchema>[]): Section[] {
  if (bases.length === 0) return [];
  return [
    {
      kind: 'table',
      minor: true,
      title: 'Pre-trained bases',
      note: 'Loss on held-out images of the pre-training classes; losses in latents and in pixels have different scales.',
      header: ['form', 'settings', 'dataset', 'classes', 'seed', 'learning rate', 'validation loss', 'parameters'],
      rows: bases.map(
        ({ spec, dataset, autoencoder, classes, seed, learningRate, validationLoss, parameters }): Cell[] => [
          spec.form,
          Object.entries(specOfAnyFormat(spec))
            .filter(([name]) => name !== 'form')
            .map(([name, value]) => `${name} ${value}`)
            .join(', '),
          autoencoder === undefined ? dataset : `${dataset}, latents of ${autoencoderWords(autoencoder)}`,
          String(classes.length),
          String(seed),
          rate(learningRate),
          fixed(validationLoss, 4),
          compact(parameters),
        ],
      ),
    },
  ];
}

function classifierSection(classifiers: readonly z.output<typeof classifierSchema>[]): Section[] {
  if (classifiers.length === 0) return [];
  return [
    {
      kind: 'table',
      minor: true,
      title: 'Classifiers',
      note: 'Two of different seeds: one gives the features that are compared, the other one measures class accuracy.',
      header: ['dataset', 'role', 'classes', 'accuracy on held-out images'],
      rows: classifiers.map(({ dataset, role, classes, accuracy }): Cell[] => [
        dataset,
        // Folders of format 1 call it so.
        role === 'judge' ? 'accuracy' : role,
        String(classes.length),
        Number.isFinite(accuracy) ? `${(100 * accuracy).toFixed(1)} %` : NOTHING,
      ]),
    },
  ];
}

/** The bases, the classifiers and the choices on the tuning classes, as far as they are there. */
export async function basesAndTuningSections(folder: string): Promise<Section[]> {
  const sections = [
    ...baseSection(await documents(join(folder, 'bases'), (name) => join(name, 'base.json'), baseSchema)),
    ...classifierSection(await documents(join(folder, 'classifiers'), (name) => name, classifierSchema)),
    ...tuningSection(await documents(join(folder, 'tuning'), (name) => name, tuningSchema)),
  ];
  return sections.length === 0 ? [] : [{ kind: 'details', title: 'Bases, classifiers and tuning', sections }];
}

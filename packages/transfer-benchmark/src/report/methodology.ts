import { counted } from '@learngene/pipeline';
import type { Section } from '@learngene/report';
import type { TrialResult } from '../plan/result';
import { plural } from './format';
import { methodTitle } from './methods';
import type { Results } from './read-results';
import type { TransferSummary } from './summary-types';

/** How tasks in latents are to be read. */
const LATENTS =
  'Latents: images are encoded once, by the autoencoder that the plan names; training, sampling and losses are in latents. Samples are decoded, and all scores compare images with images, so those of one dataset may be compared whether its models work in latents or in pixels. Losses may not. MACs and parameters are those of the network without the autoencoder. The autoencoder may have seen images of novel classes, without their names; all methods have the same one.';

/** What makes the comparison fair. */
export function fairness(trials: readonly TrialResult[]): Section {
  const inLatents = trials.some(({ autoencoder }) => autoencoder !== undefined);
  return { ...FAIRNESS, items: [...FAIRNESS.items, ...(inLatents ? [LATENTS] : []), ...smallBatches(trials)] };
}

/** Which tasks have fewer images than a step was to take. */
function smallBatches(trials: readonly TrialResult[]): string[] {
  const found = new Set(
    trials.flatMap(({ task, imagesPerClass, batchSize }) =>
      batchSize === undefined
        ? []
        : [
            `${batchSize} in ${task} with ${imagesPerClass === 0 ? 'all images' : counted(imagesPerClass, 'image')} a class`,
          ],
    ),
  );
  if (found.size === 0) return [];
  return [
    `Batches: where a task has fewer images than the plan’s transfer.batchSize, a step takes all of them, of every method alike: ${[...found].sort().join('; ')}.`,
  ];
}

const FAIRNESS: Section & { kind: 'list' } = {
  kind: 'list',
  title: 'How it is fair',
  items: [
    'Bases: the dense, the factored and the plain low-rank model are pre-trained on the same classes and images, for the same number of steps. Each tries the same learning rates in a short run and takes the one with the lowest loss on held-out images. For equal MACs factored models try them at full length, because the higher the rank, the lower the rate that diverges late in the training.',
    'Size: in the tables of equal parameters, the rank of every method is chosen so that it trains nearly as many parameters as KIND’s fresh tailors. Methods without a rank, such as full fine-tuning and BitFit, train what they train. In the tables of equal MACs, the factored models have as many multiply-accumulates at inference as the dense one.',
    'Tuning: every method tries the same learning rates, on novel classes that are kept for tuning. Where the best rate is the lowest or the highest one, a further rate may be tried. Nothing was chosen on the classes of the tables.',
    'Randomness: with the same seed every method has the same images, batches, timesteps and noise, in training and in sampling.',
    'Guidance: every method uses the best of no guidance, guidance against its null label and guidance against the class-agnostic model. The choice is made on the tuning classes. All modes are shown.',
    'Scores: features and class accuracy come from classifiers that were not trained on samples. The reference images are held out from all training.',
  ],
};

/** How to read the intervals and verdicts. */
export const READING: Section = {
  kind: 'text',
  title: 'How to read it',
  text: 'Differences are paired: the score of a trial minus that of KIND’s trial of the same task and seed. The interval is the paired percentile bootstrap of the mean difference (95 %, 10,000 resamples, fixed seed). With few pairs it is too narrow: three differences have the same sign by chance one time in four. So a method is called better or worse only where Student’s paired interval excludes zero too. Where only the bootstrap interval does, the method is called equal within noise, with the side to which it leans. Over several tasks the verdict is by the mean ratio of FIDs, because tasks have different scales. Pairs of one task are alike, so that interval is about these tasks, not about all possible ones. Each seed has its own base models, so seeds differ in pre-training and in transfer.\n\nMany methods are compared at once: of twenty that are equal to KIND, one is expected outside of its interval. FIDs of few samples on the features of a small classifier rank methods on one task; they cannot be compared with figures of other sources.',
};

/** Trials that failed, are open, or could not be read. */
export function failureSections({ failed, unreadable, open, done }: TransferSummary): Section[] {
  const still = open ? `, ${open} open` : '';
  return [
    {
      kind: 'text',
      title: 'Trials',
      text: `${done} done, ${failed.length} failed${still}${unreadable.length > 0 ? `, ${plural(unreadable.length, 'file')} unreadable` : ''}.`,
    },
    ...(failed.length === 0
      ? []
      : [
          {
            kind: 'table' as const,
            minor: true,
            title: 'Trials that failed',
            header: ['method', 'task', 'seed', 'reason'],
            rows: failed.map(({ method, task, seed, message }) => [methodTitle(method), task, String(seed), message]),
          },
        ]),
    ...(unreadable.length === 0
      ? []
      : [
          {
            kind: 'table' as const,
            minor: true,
            title: 'Files that could not be read',
            header: ['file', 'reason'],
            rows: unreadable.map(({ file, reason }) => [file, reason]),
          },
        ]),
  ];
}

/** The leaves of a document with their paths. */
function leaves(value: unknown, path: string): [string, string][] {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`));
  }
  return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
}

/** The plan, the versions and the command that repeats it. */
export function repeatSections({ plan, versions }: Results, command: string | undefined): Section[] {
  return [
    ...(command === undefined
      ? []
      : [
          {
            kind: 'code' as const,
            title: 'Repeat it',
            note: 'One command; what is done already is not done again.',
            code: command,
          },
        ]),
    ...(versions === undefined
      ? []
      : [{ kind: 'table' as const, title: 'What made it', header: ['what', 'version'], rows: leaves(versions, '') }]),
    ...(plan === undefined
      ? []
      : [
          {
            kind: 'details' as const,
            title: 'The plan',
            sections: [{ kind: 'code' as const, code: JSON.stringify(plan, null, 2) }],
          },
        ]),
  ];
}

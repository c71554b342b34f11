import type { Section } from '@learngene/report';
import { plural } from './format';
import { methodTitle } from './methods';
import type { Results } from './read-results';
import type { TransferSummary } from './summary-types';

/** What makes the comparison fair. */
export const FAIRNESS: Section = {
  kind: 'list',
  title: 'How it is fair',
  items: [
    'Bases: the dense, the factored and the plain low-rank model are pre-trained on the same classes and images, for as many steps, each with the best of the same learning rates after a short run; for equal MACs factored models try them at full length, because the higher the rank, the lower the rate that diverges late in the training.',
    'Size: in the first table the ranks of all methods are matched to as many trainable parameters as KIND’s fresh tailors (methods without such a setting, as full fine-tuning and BitFit, have what they have); in the second the factored models have as many multiply-accumulates at inference as the dense one.',
    'Tuning: every method tries the same learning rates, on novel classes that are kept for tuning; where the best is at the end of the sweep, the sweep may go on for it. The classes of the tables chose nothing.',
    'Chance: with the same seed every method has the same images, batches, timesteps and noise, in training and in sampling.',
    'Guidance: every method uses the best of no guidance, guidance against its null label and guidance against the class-agnostic model, as chosen on the tuning classes; all three are shown.',
    'Scores: features and class accuracy by classifiers that never saw a sample; reference images are held out from all training.',
  ],
};

/** How to read the intervals and verdicts. */
export const READING: Section = {
  kind: 'text',
  title: 'How to read it',
  text: 'Differences are of pairs: a method’s trial less KIND’s of the same task and seed. The interval is the paired percentile bootstrap of their mean (95 %, 10,000 resamples, fixed seed). With few pairs it is too narrow: of three pairs, all differ to the same side by chance one time in four. So a method is called better or worse only where Student’s paired interval leaves zero out as well; where only the bootstrap does, it is called equal within noise with the side to which it leans. Over several tasks the verdict is by the mean ratio of FIDs, because the tasks have different scales; pairs of one task are alike, so that interval speaks of these tasks, not of all there could be. A seed is a base of its own as well: what differs between seeds is pre-training and transfer.\n\nMany methods are compared at once: of twenty that are equal to KIND, one is expected outside of its interval. FIDs of few samples and of a small classifier’s features rank methods on one task; they do not compare with figures made elsewhere.',
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

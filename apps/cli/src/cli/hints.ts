import type { ErrorCode } from '@learngene/pipeline';

/** The option that gives an argument or a field which an error of the packages names. */
const OPTIONS: Readonly<Record<string, string>> = {
  as: '--as',
  assignment: '--set',
  autoencoder: '--vae',
  by: '--by',
  columns: '--columns',
  crops: '--crops',
  data: '--data',
  dataPath: '--data-path',
  'data.classes': '--classes (data.classes)',
  'data.latents': '--latents',
  'data.novel': '--novel (data.novel)',
  'data.path': '--data-path',
  'data.source': '--data',
  dense: '--init-from',
  docs: '--docs',
  domain: '--domain',
  from: '--from',
  hold: '--hold',
  key: '<key>',
  kind: '--kind',
  model: '--model',
  mostLeaves: '--most-leaves',
  only: '--only',
  out: '--out',
  plan: '--plan',
  pretrain: '--pretrain',
  run: '--out',
  runs: '<runs>',
  seed: '--seed',
  shardImages: '--shard-images',
  tailorRank: '--tailor-rank',
  trainable: '--trainable',
  nullGate: '--null-gate',
  tensorboard: '--tensorboard',
  'training.steps': '--steps',
};

/** What cures an error of the packages, in options. */
const HINTS: Readonly<Record<ErrorCode, string>> = {
  'run-exists': 'continue it with --resume, or give another --out',
  'record-missing': 'give another --out',
  'class-unknown':
    'names with a comma or colon are given one by one, by --class (novel ones that are kept out by --novel-class)',
  'class-needed': 'say by --class or --classes which',
  'data-missing': 'if the data are elsewhere now, say where by --data-path',
  'data-changed': 'give its own by --data-path, or start a new run',
  'image-unreadable': '--set data.onCorrupt=skip leaves such images out',
  'models-several': 'as learngene convert --key does',
  'recipe-missing': 'what learngene assemble --form dense writes does',
  'training-interrupted': 'continue with --resume',
  'demo-exists': 'give --force to replace it, or another --out',
  'events-exist': 'give --force to replace them, or another --tensorboard',
  'demo-interrupted': 'the same command continues',
  'report-interrupted': '--resume draws the samples and writes the report',
};

/** The message of an error of the packages in terms of this command: options for fields, and the option that cures it. */
export function inOptions(error: Error & { argument?: string; code?: string; choices?: readonly string[] }): string {
  const { argument, code, choices } = error;
  let text = error.message || error.name;
  if (argument !== undefined && Object.hasOwn(OPTIONS, argument) && /^[: ]/.test(text.slice(argument.length))) {
    text = OPTIONS[argument] + text.slice(argument.length).replace(/ (data\.source) /, ` ${OPTIONS['data.source']} `);
  }
  if (code === undefined || !Object.hasOwn(HINTS, code)) return text;
  if (code === 'class-unknown' && !choices?.some((name) => /[,:]/.test(name))) return text;
  return `${text}; ${HINTS[code as ErrorCode]}`;
}

import {
  type EvaluateProgress,
  type Evaluation,
  evaluateProtocol,
  type FeatureExtractor,
  inceptionExtractor,
  measureReference,
  PROTOCOLS,
  type Protocol,
  type ProtocolWords,
  type StatisticsWithImages,
} from '@learngene/metrics';
import { loadInception, readStatistics, writeStatistics } from '@learngene/metrics/node';
import { disposeParams } from '@learngene/nn';
import { type Config, ConfigError, type Progress } from '@learngene/pipeline';
import { checkGiven } from '../check-given';
import { drawSamples } from './draw-samples';
import { type OpenImages, openImages } from './open-images';
import type { PreparedProtocol } from './prepare-protocol';

/** The options of {@link runProtocol}. */
export interface RunProtocolOptions {
  /** Samples to draw, where a model draws them. */
  count: number;
  /** How a message calls a part of the request (default: by its name). */
  label?: (part: string) => string;
  /** Receives messages and progress bars. */
  progress: Progress;
  /** Stops the work between two steps. */
  signal: AbortSignal;
  /** Opens the network (default: Inception of that file, with the resize of that protocol). */
  openExtractor?: (path: string, protocol: Protocol) => Promise<OpenExtractor>;
}

/** A network whose features are compared. */
export interface OpenExtractor {
  /** The network. */
  readonly extractor: FeatureExtractor;
  /** SHA-256 of its file, hexadecimal. */
  readonly sha256: string;
  /** Frees it. */
  dispose(): void;
}

async function openInception(path: string, protocol: Protocol): Promise<OpenExtractor> {
  const { params, sha256 } = await loadInception(path);
  return { extractor: inceptionExtractor(params, { protocol }), sha256, dispose: () => disposeParams(params) };
}

/** How the samples of a protocol were drawn. */
export type DrawnBy = Pick<Config['sampling'], 'sampler' | 'steps' | 'guidance' | 'eta' | 'clip'> & {
  /** The seed of the noise. */
  readonly seed: number;
  /** How pixels became bytes, in words. */
  readonly rounding: string;
};

/** Result of {@link runProtocol}: the figures, and how they were measured. */
export interface ProtocolResult extends Evaluation {
  /** The protocol, with what it does in words. */
  readonly protocol: ProtocolWords & {
    /** Its name. */
    readonly name: string;
  };
  /** The network. */
  readonly inception: {
    /** Its file. */
    readonly file: string;
    /** SHA-256 of it. */
    readonly sha256: string;
  };
  /** What was compared with: images, statistics of a file, or both. */
  readonly reference?: {
    /** Its path. */
    readonly path: string;
    /** What of it was used. */
    readonly used: 'images' | 'statistics' | 'statistics and images';
  };
  /** Where the samples were; absent where a model drew them. */
  readonly samples?: string;
  /** How the samples were drawn, where a model drew them; not known of a file. */
  readonly sampling?: DrawnBy;
}

/** How `sampleClasses` makes bytes of pixels in [-1, 1]. */
const ROUNDING = 'round((x + 1) 127.5), clipped to [0, 255]';
/** Images a call of the extractor. */
const BATCH = 64;

/**
 * Measures samples as a program does: opens or draws them, reads Inception, and computes the figures.
 *
 * @throws ConfigError where stored statistics were measured by another protocol or network
 */
export async function runProtocol(prepared: PreparedProtocol, options: RunProtocolOptions): Promise<ProtocolResult> {
  checkGiven('runProtocol', 'prepared', prepared, ['protocol', 'inception', 'config']);
  checkGiven('runProtocol', 'options', options, ['count', 'progress', 'signal']);
  const { protocol, config, drawing, metrics } = prepared;
  const { progress, signal, label = (part: string) => part } = options;
  const open = (part: 'samples' | 'reference', path: string) =>
    openTold(`${label(part)} ${path}`, path, prepared, progress);
  const samples =
    prepared.samples === undefined ? await drawn(prepared, options) : await open('samples', prepared.samples);
  const { openExtractor = openInception } = options;
  const { extractor, sha256, dispose } = await openExtractor(prepared.inception, protocol);
  const images = prepared.reference?.content.images ? await open('reference', prepared.reference.path) : undefined;
  try {
    const found = await referenceOf(prepared, { images, sha256, extractor }, options);
    const bars = barsOf(progress);
    const result = await evaluateProtocol({
      ...{ protocol, extractor, metrics, samples, signal, batchSize: samples.batchSize },
      reference: found?.reference,
      onProgress: bars.update,
    });
    bars.stop();
    const { sampler, steps, guidance, eta, clip } = config.sampling;
    return {
      protocol: { name: protocol, ...PROTOCOLS[protocol].words },
      inception: { file: prepared.inception, sha256 },
      ...(prepared.reference && found && { reference: { path: prepared.reference.path, used: found.used } }),
      ...(prepared.samples !== undefined && { samples: prepared.samples }),
      ...(drawing && { sampling: { sampler, steps, guidance, eta, clip, seed: config.seed, rounding: ROUNDING } }),
      ...result,
    };
  } finally {
    dispose();
    await samples.close();
    await images?.close();
  }
}

/** Images of a protocol: a folder whose images differ in size is read one at a time. */
type Opened = OpenImages & { readonly batchSize: number };

async function openTold(
  name: string,
  path: string,
  { protocol }: PreparedProtocol,
  progress: Progress,
): Promise<Opened> {
  const images = await openImages(name, path, PROTOCOLS[protocol]);
  for (const what of images.passedOver) progress.info(`${name}: passed over ${what}`);
  return { ...images, batchSize: images.mixed ? 1 : BATCH };
}

async function drawn({ config, drawing }: PreparedProtocol, options: RunProtocolOptions): Promise<Opened> {
  if (drawing === undefined) throw new ConfigError('evaluate: expected a model or samples, got none');
  const { images } = await drawSamples(config, drawing, options);
  return { ...images, passedOver: [], batchSize: BATCH, close: async () => {} };
}

interface Found {
  readonly images: Opened | undefined;
  readonly sha256: string;
  readonly extractor: FeatureExtractor;
}

/** The statistics and the images of the reference; those that are to be kept are measured first, and written. */
async function referenceOf(
  { protocol, reference, saveReference }: PreparedProtocol,
  { images, sha256, extractor }: Found,
  { progress, signal, label = (part: string) => part }: RunProtocolOptions,
) {
  if (reference === undefined) return undefined;
  const { path, content } = reference;
  if (images !== undefined && saveReference !== undefined) {
    const bar = progress.startBar('Measuring the reference', images.count, 'images');
    const { batchSize } = images;
    const measured = await measureReference({ extractor, images, batchSize, onProgress: bar.update, signal });
    bar.stop();
    await writeStatistics(saveReference, { ...measured, origin: { protocol, weights: sha256, count: images.count } });
    progress.info(`Wrote ${saveReference}; give it as ${label('reference')}`);
    return { reference: measured, used: 'images' as const };
  }
  const stored: StatisticsWithImages = content.statistics ? await readStatistics(path) : {};
  const { origin } = stored;
  if (origin !== undefined && origin.protocol !== protocol) {
    throw new ConfigError(
      `${label('reference')} ${path}: its statistics are of the protocol ${origin.protocol}, not of ${protocol}`,
    );
  }
  if (origin !== undefined && origin.weights !== sha256) {
    throw new ConfigError(
      `${label('reference')} ${path}: its statistics are by a network of SHA-256 ${origin.weights}, and ${label('inception')} has ${sha256}`,
    );
  }
  const used = content.statistics ? (images ? 'statistics and images' : 'statistics') : 'images';
  return { reference: { ...stored, ...(images && { images }) }, used } as const;
}

/** A progress bar for each phase. */
function barsOf(progress: Progress) {
  const titles = { reference: 'Reading the reference', samples: 'Reading the samples', metrics: 'Computing figures' };
  let phase: string | undefined;
  let bar: ReturnType<Progress['startBar']> | undefined;
  return {
    update(step: EvaluateProgress) {
      if (step.phase !== phase) {
        bar?.stop();
        bar = progress.startBar(titles[step.phase], step.total, step.phase === 'metrics' ? 'metrics' : 'images');
        phase = step.phase;
      }
      bar?.update(step.done);
    },
    stop: () => bar?.stop(),
  };
}

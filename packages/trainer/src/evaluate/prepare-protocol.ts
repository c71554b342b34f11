import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { type MetricName, PROTOCOLS, type Protocol } from '@learngene/metrics';
import { type ReferenceContent, referenceContent } from '@learngene/metrics/node';
import { type Config, ConfigError } from '@learngene/pipeline';
import { expectTensorFile } from '@learngene/pipeline/node';
import { checkGiven } from '../check-given';
import { type DrawingRequest, type PreparedDrawing, prepareDrawing } from './prepare-drawing';

/** What is to be measured by the protocol of a program. */
export interface ProtocolRequest extends DrawingRequest {
  /** The program. */
  protocol: Protocol;
  /** The file of Inception's weights: safetensors, or `.pth` and `.pt` of torch. */
  inception?: string;
  /** An npz or npy of samples, or a folder of images; or else `from`. */
  samples?: string;
  /** An npz of images or statistics, an npy, or a folder of images. */
  reference?: string;
  /** The figures that are wanted (default: all of the protocol that can be had). */
  metrics?: readonly MetricName[];
  /** An npz to write the statistics of the reference to. */
  saveReference?: string;
}

/** A prepared evaluation by a protocol; no engine is started and no image decoded. */
export interface PreparedProtocol extends Pick<ProtocolRequest, 'protocol' | 'metrics' | 'saveReference'> {
  /** The whole configuration: its sampling and seed count. */
  config: Config;
  /** The file of Inception's weights. */
  inception: string;
  /** The model that draws the samples. */
  drawing?: PreparedDrawing;
  /** Where the samples are. */
  samples?: string;
  /** The real images, their statistics, or both. */
  reference?: {
    /** Its file or folder. */
    path: string;
    /** What it holds. */
    content: ReferenceContent;
  };
}

const byName = (part: string) => part;

/**
 * Checks all that is cheap of an evaluation by a protocol.
 *
 * @throws ConfigError naming the part of the request, what was expected and what came
 */
export async function prepareProtocol(request: ProtocolRequest): Promise<PreparedProtocol> {
  checkGiven('prepareProtocol', 'request', request, ['protocol', 'requested', 'source', 'progress']);
  const { protocol, metrics, samples, saveReference, label = byName } = request;
  const { metrics: known } = PROTOCOLS[protocol];
  const unknown = metrics?.filter((metric) => !known.includes(metric)) ?? [];
  if (unknown.length > 0) {
    const what = `${protocol} does not compute ${unknown.join(', ')}`;
    throw new ConfigError(`${label('metrics')}: ${what}; it computes ${known.join(', ')}`, { argument: 'metrics' });
  }
  if (request.inception === undefined) {
    throw new ConfigError(
      `evaluate: ${label('protocol')} takes features by Inception; give ${label('inception')} with the weights of pytorch-fid or torch-fidelity (pt_inception-2015-12-05-6726825d.pth)`,
    );
  }
  await expectTensorFile(request.inception, label('inception'));
  if (samples !== undefined) await checkSource(`${label('samples')} ${samples}`, samples, ['images']);
  const reference = request.reference === undefined ? undefined : await describe(request.reference, label);
  const wanted = metrics ?? known;
  if (reference === undefined && wanted.some((metric) => metric !== 'inception-score')) {
    const alone = known.includes('inception-score') ? `, or ${label('metrics')} inception-score` : '';
    throw new ConfigError(`evaluate: nothing to compare with; give ${label('reference')}${alone}`);
  }
  if (saveReference !== undefined && reference?.content.images !== true) {
    throw new ConfigError(`${label('saveReference')}: expected images by ${label('reference')} to measure`);
  }
  const { drawing, config } = await prepareDrawing(request);
  return { protocol, metrics, saveReference, config, inception: request.inception, drawing, samples, reference };
}

async function describe(path: string, label: (part: string) => string) {
  const name = `${label('reference')} ${path}`;
  const isFolder = await checkSource(name, path, ['images', 'statistics']);
  const content = isFolder ? { images: true, statistics: false } : await referenceContent(path);
  if (!content.images && !content.statistics) {
    throw new ConfigError(`${name}: expected an array arr_0 (images), or mu and sigma (statistics); it has neither`);
  }
  return { path, content };
}

/** Throws unless a folder, an npz or an npy is at a path; tells whether it is a folder. */
async function checkSource(name: string, path: string, kinds: readonly string[]): Promise<boolean> {
  if (!existsSync(path)) throw new ConfigError(`${name}: no such file or folder`);
  if ((await stat(path)).isDirectory()) return true;
  if (['.npz', '.npy'].includes(extname(path).toLowerCase())) return false;
  throw new ConfigError(`${name}: expected an .npz or .npy of ${kinds.join(' or ')}, or a folder of images`);
}

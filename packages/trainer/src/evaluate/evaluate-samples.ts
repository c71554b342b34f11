import type { MetricName, Protocol } from '@learngene/metrics';
import { ConfigError, checkDdimOption, counted, imageBytes } from '@learngene/pipeline';
import { checkMemory } from '../check-memory';
import { checkTarget } from '../check-target';
import type { DrawingRequest } from './prepare-drawing';
import { type EvaluationRequest, type PreparedEvaluation, prepareEvaluation } from './prepare-evaluation';
import { type PreparedProtocol, type ProtocolRequest, prepareProtocol } from './prepare-protocol';
import { type EvaluationResult, type RunEvaluationOptions, runEvaluation } from './run-evaluation';
import { type ProtocolResult, runProtocol } from './run-protocol';

/** What is scored, by a classifier or by the protocol of a program. */
export interface SamplesRequest
  extends DrawingRequest,
    Omit<EvaluationRequest, 'metrics'>,
    Omit<ProtocolRequest, 'metrics' | 'protocol'>,
    Pick<RunEvaluationOptions, 'count' | 'convention' | 'classifierSteps'> {
  /** The program; none for features by a classifier. */
  protocol?: Protocol;
  /** The figures that are wanted; with a protocol all of it where none is given. */
  metrics: readonly MetricName[];
  /** What is set in the configuration, as `key=value`. */
  set: readonly string[];
  /** Whether a file of statistics that is there is replaced. */
  force: boolean;
  /** Whether an option was given and is not a default: one that would change nothing is refused. */
  given: (option: string) => boolean;
}

/** What the caller does around the work. */
export interface SamplesRun {
  /** Starts the engine. */
  start: () => Promise<unknown>;
  /** Runs the work with the signal that ends it. */
  interruptible: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>;
}

const byName = (part: string) => part;

/**
 * Scores samples, or measures them as a program does: everything that is cheap is checked before the engine starts.
 *
 * @throws ConfigError naming the part of the request, what was expected and what came
 */
export async function evaluateSamples(
  request: SamplesRequest,
  { start, interruptible }: SamplesRun,
): Promise<EvaluationResult | ProtocolResult> {
  const { protocol, metrics, given, count, convention, classifierSteps, label, progress } = request;
  for (const { names, why } of idleOptions(request)) refuseIdle(request, names, why);
  if (protocol === undefined) {
    const prepared = await prepareEvaluation(request);
    checkDrawing(request, prepared);
    checkClassifier(request, prepared.classifier);
    await start();
    const options = { count, convention, classifierSteps, label, progress };
    return interruptible((signal) => runEvaluation(prepared, { ...options, signal }));
  }
  checkSaved(request);
  const prepared = await prepareProtocol({ ...request, protocol, metrics: given('metrics') ? metrics : undefined });
  checkDrawing(request, prepared);
  await start();
  return interruptible((signal) => runProtocol(prepared, { count, label, progress, signal }));
}

/** Options that would change nothing, with the reason. */
function idleOptions({ protocol, samples, reference, saveReference, label = byName }: SamplesRequest) {
  const found: { names: readonly string[]; why: string }[] = [];
  const idle = (names: readonly string[], why: string) => found.push({ names, why });
  if (protocol === undefined) {
    idle(['inception', 'saveReference', 'force'], `has a part with ${label('protocol')} alone`);
    if (reference !== undefined) idle(['data', 'dataPath', 'size', 'config'], `has no part with ${label('reference')}`);
    if (reference !== undefined && samples !== undefined) {
      idle(['classes', 'class'], 'has no part in comparing two files');
    }
  } else {
    idle(
      ['convention', 'classifier', 'classifierSteps'],
      `has no part with ${label('protocol')}: ${protocol} settles it`,
    );
    const data = ['data', 'dataPath', 'size', 'latents'];
    idle(data, `has no part with ${label('protocol')}: give the real images by ${label('reference')}`);
    if (saveReference === undefined) idle(['force'], `has no part without ${label('saveReference')}`);
    const drawing = ['config', 'set', 'seed', 'vae', 'classes', 'class'];
    if (samples !== undefined)
      idle(drawing, `has no part with ${label('protocol')} and ${label('samples')}: nothing is drawn`);
  }
  if (samples !== undefined) idle(['count'], `has no part with ${label('samples')}: all samples of the file count`);
  return found;
}

function refuseIdle({ given, label = byName }: SamplesRequest, names: readonly string[], why: string): void {
  const idle = names.filter(given).map(label);
  if (idle.length > 0) throw new ConfigError(`${idle.join(', ')}: ${why}`, { argument: idle[0] });
}

function checkClassifier(request: SamplesRequest, { path, description }: PreparedEvaluation['classifier']): void {
  if (path === undefined) return;
  const { label = byName } = request;
  if (description) refuseIdle(request, ['classifierSteps'], `has no part: ${path} is there and is not trained again`);
  else
    checkTarget(path, {
      option: label('classifier'),
      endings: ['.safetensors'],
      force: true,
      forceName: label('force'),
    });
}

function checkSaved({ saveReference, reference, force, label = byName }: SamplesRequest): void {
  if (saveReference === undefined) return;
  const sources = reference === undefined ? [] : [reference];
  const option = label('saveReference');
  checkTarget(saveReference, { option, endings: ['.npz'], force, forceName: label('force'), sources });
}

/** What of the samples that are drawn shows only once the model is known. */
function checkDrawing(
  { count, set, label = byName }: SamplesRequest,
  { config, drawing }: PreparedEvaluation | PreparedProtocol,
): void {
  if (drawing) checkMemory(label('count'), counted(count, 'image'), count * imageBytes(drawing.from));
  const ofDdim = set.find((assignment) => /^sampling\.(eta|spacing)=/.test(assignment));
  if (ofDdim !== undefined) checkDdimOption(`${label('set')} ${ofDdim}`, config.sampling);
}

import { checkDdimOption, imageBytes } from '@learngene/pipeline';
import {
  checkMemory,
  type PreparedEvaluation,
  type PreparedProtocol,
  type Protocol,
  type ProtocolRequest,
  prepareEvaluation,
  prepareProtocol,
  runEvaluation,
  runProtocol,
} from '@learngene/trainer/node';
import type { Command } from 'commander';
import { refuseUnused } from './context';
import type { EvaluateOptions } from './evaluation';
import { interruptible } from './interrupt';
import type { Output } from './output';
import { startEngine } from './start-engine';
import { checkTarget } from './target';

const label = (part: string) => (part === 'saveReference' ? '--save-reference' : `--${part}`);

/** What of the samples that are drawn shows only once the model is known. */
function checkDrawing(options: EvaluateOptions, { config, drawing }: PreparedEvaluation | PreparedProtocol): void {
  if (drawing) checkMemory('--count', `${options.count} images`, options.count * imageBytes(drawing.from));
  const ofDdim = options.set.find((assignment) => /^sampling\.(eta|spacing)=/.test(assignment));
  if (ofDdim !== undefined) checkDdimOption(`--set ${ofDdim}`, config.sampling);
}

/** What of the call shows only once the files are known. */
function checkPrepared(command: Command, options: EvaluateOptions, prepared: PreparedEvaluation): void {
  checkDrawing(options, prepared);
  const { path, description } = prepared.classifier;
  if (path === undefined) return;
  if (description) refuseUnused(command, ['classifierSteps'], `has no part: ${path} is there and is not trained again`);
  else checkTarget(path, { option: '--classifier', endings: ['.safetensors'], force: true });
}

/** What of the call is settled before the files are known. */
type Asked = Pick<ProtocolRequest, 'metrics' | 'classes' | 'requested' | 'source' | 'dataGiven'>;

/** Scores by a classifier. */
export async function againstData(
  command: Command,
  options: EvaluateOptions,
  asked: Asked & { metrics: PreparedEvaluation['metrics'] },
  output: Output,
) {
  const prepared = await prepareEvaluation({ ...options, ...asked, label, progress: output });
  checkPrepared(command, options, prepared);
  await startEngine(options.engine, output);
  const { count, convention, classifierSteps } = options;
  return interruptible((signal) =>
    runEvaluation(prepared, { count, convention, classifierSteps, label, progress: output, signal }),
  );
}

/** Measures as a program does. */
export async function byProtocol(options: EvaluateOptions & { protocol: Protocol }, asked: Asked, output: Output) {
  const { saveReference, reference, count, force } = options;
  const sources = reference === undefined ? [] : [reference];
  if (saveReference !== undefined) {
    checkTarget(saveReference, { option: '--save-reference', endings: ['.npz'], force, sources });
  }
  const prepared = await prepareProtocol({ ...options, ...asked, metrics: asked.metrics, label, progress: output });
  checkDrawing(options, prepared);
  await startEngine(options.engine, output);
  return interruptible((signal) => runProtocol(prepared, { count, label, progress: output, signal }));
}

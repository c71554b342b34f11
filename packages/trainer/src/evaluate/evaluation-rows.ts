import { counted } from '@learngene/pipeline';
import type { EvaluationResult } from './run-evaluation';
import type { ProtocolResult } from './run-protocol';

/** The figures that were computed as rows of a name and a value, for a table; those of a protocol say how they were measured. */
export function evaluationRows(result: EvaluationResult | ProtocolResult): [string, string][] {
  return 'protocol' in result ? [...figureRows(result), ...protocolRows(result)] : figureRows(result);
}

function protocolRows({
  protocol,
  inception,
  reference,
  sampling,
  samples,
  ...result
}: ProtocolResult): [string, string][] {
  const { name, pixels, sets } = protocol;
  const images = (count: number | undefined) => (count === undefined ? '' : `, ${counted(count, 'image')}`);
  const all: [string, string | undefined][] = [
    ['protocol', name],
    ['pixels', pixels],
    ['logits and splits', result.inceptionScore && protocol.inceptionScore],
    ['subsets of KID', result.kid && protocol.kid],
    ['features and neighbours', result.precisionRecall && protocol.precisionRecall],
    ['compared', sets],
    ['Inception', `${inception.file} (SHA-256 ${inception.sha256.slice(0, 8)})`],
    ['samples', `${samples ?? 'drawn'}${images(result.sampleCount)}`],
    ['reference', reference && `${reference.path} (${reference.used})${images(result.referenceCount)}`],
    [
      'sampler',
      sampling
        ? `${sampling.sampler}, ${counted(sampling.steps, 'step')}, seed ${sampling.seed}`
        : 'not known of a file',
    ],
    ['guidance', sampling ? String(sampling.guidance) : 'not known of a file'],
    ['rounding of the samples', sampling ? sampling.rounding : 'not known of a file'],
  ];
  return all.filter((row): row is [string, string] => row[1] !== undefined);
}

function figureRows(result: EvaluationResult): [string, string][] {
  const { fid, sfid, inceptionScore, kid, precisionRecall } = result;
  const { noisePrecisionRecall: noise, trainingPrecisionRecall: training } = result;
  const number = (value: number | undefined) => value?.toPrecision(6);
  const all: [string, string | undefined][] = [
    ['FID', number(fid)],
    ['FID of noise', number(result.noiseFid)],
    ['sFID', number(sfid)],
    ['Inception Score', inceptionScore && `${number(inceptionScore.mean)} ± ${number(inceptionScore.std)}`],
    ['KID', kid && `${number(kid.mean)} ± ${number(kid.std)}`],
    ['precision', number(precisionRecall?.precision)],
    ['recall', number(precisionRecall?.recall)],
    ['precision, recall of noise', noise && `${number(noise.precision)}, ${number(noise.recall)}`],
    ['precision, recall of training images', training && `${number(training.precision)}, ${number(training.recall)}`],
    ['class accuracy of the samples', number(result.classAccuracy)],
  ];
  return all.filter((row): row is [string, string] => row[1] !== undefined);
}

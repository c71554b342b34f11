import type { EvaluationResult } from './run-evaluation';

/** The figures that were computed as rows of a name and a value, for a table. */
export function evaluationRows(result: EvaluationResult): [string, string][] {
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

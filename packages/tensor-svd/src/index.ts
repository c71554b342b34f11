export { engineCholesky, matmul, qr, svd, symmetricEigen, symmetricEigenvalues } from './decompositions';
export { createMatrix, identityMatrix, type Matrix, transpose } from './dense/matrix';
export { applyFactored, composeDense } from './factored/apply';
export { type BudgetLayer, type BudgetOptions, type BudgetSelection, selectByBudget } from './factored/budget';
export { concatComponents, selectComponents } from './factored/components';
export { type CostUnit, componentCost, factoredMacs, factoredParamCount } from './factored/counts';
export { componentEnergies, componentEnergiesAsync } from './factored/energies';
export { type FactorOptions, factorDense, factorDenseAsync } from './factored/factor-dense';
export { type FactoredInit, type InitFactoredOptions, initFactored } from './factored/init';
export {
  mergeFactored,
  mergeFactoredAsync,
  orthogonalizeFactored,
  orthogonalizeFactoredAsync,
  type RefactorOptions,
} from './factored/orthogonalize';
export { type FactoredParams, type FactoredSize, factoredSize } from './factored/params';
export { orthogonalityPenalty } from './factored/penalty';
export {
  countForFraction,
  rankComponents,
  type Truncation,
  truncateFactored,
  truncateFactoredAsync,
} from './factored/truncate';
export {
  type LinalgProvider,
  linalgName,
  type QrResult,
  registerLinalg,
  type SvdResult,
  type SymmetricEigenResult,
} from './linalg';
export { randomOrthonormal } from './random-orthonormal';
export { type PowerNormalizer, type RandomizedSvdOptions, randomizedSvd } from './randomized-svd';
export { type ResidualNormOptions, residualNorm } from './residual-norm';
export { matrixFromTensor, matrixFromTensorAsync, tensorFromMatrix } from './tensor-matrix';

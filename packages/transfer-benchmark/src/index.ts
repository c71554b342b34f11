export type { JobContext } from './data/context';
export type {
  BaseInput,
  BaseJob,
  BaseModel,
  BudgetId,
  BudgetJob,
  ClassifierJob,
  ClassifierRole,
  DataJob,
  DatasetInput,
  EvaluatorInput,
  Job,
  JobNode,
  Jobs,
  LatentsInput,
  LatentsJob,
  LearningRateJob,
  TransferInput,
  TrialId,
  TrialJob,
  TuningJob,
} from './jobs/job';
export { resolveJobs } from './jobs/resolve-jobs';
export { hasResult, methodOf, selectJobs } from './jobs/select-jobs';
export { checkMethods, withDataPaths } from './plan/adjust-plan';
export { type FilledAutoencoder, withAutoencoders } from './plan/autoencoders';
export type { BaseSpec } from './plan/base-spec';
export {
  type AutoencoderPlan,
  type BenchmarkPlan,
  type BenchmarkPlanInput,
  type DatasetPlan,
  type EvaluationPlan,
  type ModelPlan,
  type PretrainingPlan,
  parsePlan,
  readPlan,
  type TransferPlan,
  type TuningPlan,
} from './plan/benchmark-plan';
export type { MethodForm, MethodSpec, TailorStart } from './plan/methods';
export {
  ABLATIONS,
  type AblationName,
  BUDGET_METHODS,
  type BudgetMethod,
  METHOD_NAMES,
  type MethodName,
} from './plan/names';
export { benchmarkPlans } from './plan/plans/index';
export {
  type Evaluation,
  type GuidanceMode,
  TRIAL_TABLES,
  type TrialError,
  type TrialResult,
  type TrialTable,
} from './plan/result';
export {
  type BudgetPoint,
  type BudgetSummary,
  type Comparison,
  type Condition,
  type Cost,
  type Curve,
  type CurvePoint,
  type CurveSummary,
  type GuidanceRow,
  type MeanRatio,
  type MethodRow,
  type MetricKey,
  type PrecisionMark,
  type PrecisionMarkSummary,
  type Standing,
  type TableSummary,
  type TaskComparison,
  type TaskComparisonRow,
  type TaskComparisons,
  type TransferReport,
  type TransferReportOptions,
  type TransferSummary,
  type Verdict,
  writeTransferReport,
} from './report/index';
export { type BenchmarkPlaces, checkPlaces } from './schedule/check-places';
export { type BenchmarkResult, type RunBenchmarkOptions, runBenchmark } from './schedule/run-benchmark';
export { runJob } from './schedule/run-job';
export type { Execute, ScheduleResult } from './schedule/scheduler';
export { type WorkerOptions, workerExecutor } from './schedule/worker-process';
export type { Interval, Spread } from './statistics';

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
  LearningRateJob,
  TransferInput,
  TrialId,
  TrialJob,
  TuningJob,
} from './jobs/job';
export { resolveJobs } from './jobs/resolve-jobs';
export { hasResult, methodOf, selectJobs } from './jobs/select-jobs';
export { type BenchmarkPlan, type BenchmarkPlanInput, parsePlan, readPlan } from './plan/benchmark-plan';
export { benchmarkPlans } from './plan/plans/index';
export { type TransferReport, type TransferReportOptions, writeTransferReport } from './report/index';
export { type BenchmarkResult, type RunBenchmarkOptions, runBenchmark } from './schedule/run-benchmark';
export { runJob } from './schedule/run-job';
export type { Execute, ScheduleResult } from './schedule/scheduler';
export { type WorkerOptions, workerExecutor } from './schedule/worker-process';

export { type Plan, parsePlan, readPlan } from './plan/plan';
export { plans } from './plan/plans/index';
export { writeTransferReport } from './report/index';
export { childExecutor, type WorkerMessage } from './schedule/child';
export { buildGraph } from './schedule/graph';
export { folderPlan } from './schedule/grid-folder';
export { runGrid } from './schedule/run-grid';
export { runJob } from './schedule/run-job';

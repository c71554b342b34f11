export type { Comparison, Verdict } from './compare';
export type { Condition } from './conditions';
export type { MetricKey } from './metrics';
export type { PrecisionMark, PrecisionMarkSummary } from './precision-marks';
export { checkDocument, type TransferReport, type TransferReportOptions, writeTransferReport } from './report';
export type {
  BudgetPoint,
  BudgetSummary,
  Cost,
  Curve,
  CurvePoint,
  CurveSummary,
  GuidanceRow,
  MeanRatio,
  MethodRow,
  Standing,
  TableSummary,
  TaskComparison,
  TaskComparisonRow,
  TaskComparisons,
  TransferSummary,
} from './summary-types';

export { summarise, type TransferReport, type TransferReportOptions, writeTransferReport } from './report';
export type { TransferSummary } from './summary-types';

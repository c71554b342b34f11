export { type TransferReport, type TransferReportOptions, writeTransferReport } from './report';

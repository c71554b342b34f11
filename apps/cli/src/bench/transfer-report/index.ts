export { writeTransferReport } from './report';

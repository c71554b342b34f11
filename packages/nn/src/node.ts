export { type Checkpoint, loadParams, loadParamsLike, saveParams } from './checkpoint';

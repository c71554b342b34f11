export { chooseEngine, examineEngine, NODE_ENGINES } from './node/choose-engine';
export { usePrecision } from './node/precision';

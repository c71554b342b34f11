export { chooseEngine, examineEngine, NODE_ENGINES } from './node/choose-engine';
export { describeMachine, type MachineDescription } from './node/describe-machine';
export { usePrecision } from './node/precision';

export { type ChosenEngine, chooseEngine, engines } from './choose-engine';
export { DeviceError, guardReads, type WatchedDevice } from './device-errors';
export { usePrecision } from './precision';

export { BROWSER_ENGINES, chooseEngine } from './browser/choose-engine';
export { chooseFrom } from './choose';
export { DeviceError, type DeviceLoss, guardReads, type WatchedDevice } from './device-errors';
export { EngineError } from './errors';
export { type EngineReport, type MeasureOptions, measureEngine } from './measure';
export { productRate } from './product-rate';
export {
  BROWSER_ENGINE_NAMES,
  type BrowserEngineName,
  type ChosenEngine,
  type Engine,
  type EngineLoad,
  type EngineName,
  type LoadedEngine,
  type LoadOptions,
  type MissingEngine,
  NODE_ENGINE_NAMES,
  type NodeEngineName,
} from './types';

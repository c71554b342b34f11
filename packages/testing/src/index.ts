export { useTestBackend } from './backend';
export { type CloseOptions, expectClose, relativeError } from './close';
export { useDeviceBackend } from './device-backend';
export { readFixture } from './fixture';
export { checkGradient, type GradientCheckOptions } from './gradient';
export { expectNoLeak } from './leak';
export { expectOption, type OptionValues } from './option';
export { tinyImages } from './tiny-images';
export { tinyPlan } from './tiny-plan';

export { type CloseOptions, expectClose, relativeError } from './close';
export { checkGradient, type GradientCheckOptions } from './gradient';
export { expectNoLeak } from './leak';
export { readFixture } from './fixture';
export { useTestBackend } from './backend';

/** The engine that the tests of this run compute on. */
export const engine = process.env.LEARNGENE_TEST_BACKEND ?? 'cpu';

/** Whether every engine computes every size, however long it takes: no run of CI does. */
export const everything = Boolean(process.env.LEARNGENE_TEST_EVERYTHING);

/** Whether large images are left out: the plain cpu engine and WebGPU by software compute a hundredth of what others do. */
export const slowEngine = !everything && (engine === 'cpu' || engine === 'webgpu');

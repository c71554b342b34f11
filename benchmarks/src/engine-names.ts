/** Engines that a row can be run on. */
export const engineNames = ['native', 'wasm', 'cpu', 'tfjs-node', 'webgpu'] as const;

/** The name of an engine. */
export type EngineName = (typeof engineNames)[number];

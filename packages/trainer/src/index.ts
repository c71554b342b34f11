export { transferClasses } from './data/transfer-classes';
export { InterruptedError, interruptedBy } from './errors';
export { mapLabels, type NamedLabels } from './evaluate/map-labels';
export { noiseSource } from './evaluate/noise-baseline';
export { groupsOf, modelConfig } from './model-config';
export { versions } from './run-folder/versions';

export { classLabels } from './class-labels';
export { classNamesOf } from './class-names';
export { mergeConfig, parseAssignment, parseConfig } from './config/load';
export { type Config, type ConfigInput, dataSources } from './config/schema';
export { ConfigError } from './errors';
export { nearestWord } from './nearest-word';
export { createProcess, type Process } from './process';
export { noProgress, type Progress, type ProgressBar } from './progress';
export { checkEta, runSampler } from './sample/samplers';

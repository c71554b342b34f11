export { type LoadedClassifier, loadClassifier, saveClassifier } from './classifier/file';
export { readSamples, readStatistics, writeSamples, writeStatistics } from './npz-files';

export {
  type ClassifierDescription,
  describeClassifier,
  type LoadedClassifier,
  loadClassifier,
  type SaveClassifierOptions,
  saveClassifier,
} from './classifier/file';
export { type LoadedInception, loadInception } from './inception/file';
export { readSamples, readStatistics, writeSamples, writeStatistics } from './npz-files';
export { type OpenSamples, openSamples, type ReferenceContent, referenceContent } from './sample-files';

export type { DecodedAdapter } from './files/decode';
export { loadAdapter, type SaveAdapterOptions, saveAdapter } from './files/folder';
export { AdapterFileError } from './files/names';

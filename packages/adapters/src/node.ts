export type { DecodedAdapter } from './files/decode';
export { loadAdapter, type SaveAdapterOptions, saveAdapter } from './files/folder';
export type { ModuleOptions, PeftModules } from './files/modules';
export { AdapterFileError } from './files/names';

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConvAddon } from './addon/conv';
import type { ElementwiseAddon } from './addon/elementwise';
import type { LaterAddon } from './addon/later';
import type { LinalgAddon } from './addon/linalg';
import type { LinearAddon } from './addon/linear';
import type { OptimizerAddon } from './addon/optimizer';
import type { RandomAddon } from './addon/random';
import type { ReduceAddon } from './addon/reduce';
import type { ShapeAddon } from './addon/shape';
import type { SystemAddon } from './addon/system';
import type { TransformerAddon } from './addon/transformer';
import { addonFileFault } from './addon-file';
import { checkLevel, checkSettings } from './settings';

/** The functions of the addon; lengths are checked by each of them. */
export type NativeAddon = SystemAddon &
  ShapeAddon &
  ReduceAddon &
  ConvAddon &
  ElementwiseAddon &
  LaterAddon &
  LinalgAddon &
  LinearAddon &
  OptimizerAddon &
  RandomAddon &
  TransformerAddon;

/** The version of the calls between TypeScript and Rust; the two sides must agree. */
export const ABI = 4;

/** The addon cannot be used on this machine. */
export class NativeUnavailableError extends Error {
  /** The name of the class. */
  override readonly name = 'NativeUnavailableError';
  /** What the user can do about it. */
  readonly remedy: string;

  /**
   * @param reason why it cannot be used
   * @param remedy what the user can do about it
   */
  constructor(reason: string, remedy: string) {
    super(reason);
    this.remedy = remedy;
  }
}

const REMEDY =
  'install Rust (rustup.rs, 1.89 or newer) and a C linker, then run `npm run build` in the workspace; meanwhile a slower engine works';

/** The platform as prebuilt packages name it: `linux-x64-gnu`, `darwin-arm64`, `win32-x64-msvc`, ... */
export function platformName(): string {
  const { platform, arch } = process;
  if (platform === 'linux') return `linux-${arch}-${usesGlibc() ? 'gnu' : 'musl'}`;
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

function usesGlibc(): boolean {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime !== undefined;
}

/** Loads the addon from a file and checks the settings. */
function loadFile(file: string, require: NodeJS.Require): NativeAddon {
  const fault = addonFileFault(file);
  if (fault !== undefined) throw new Error(fault);
  return require(file) as NativeAddon;
}

/** The folder of this package, from the bundle in `dist` or the sources in `src`. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let depth = 0; depth < 4; depth++, folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === '@learngene/backend-native') return folder;
  }
  return folder;
}

function candidates(require: NodeJS.Require): string[] {
  const platform = platformName();
  const forced = process.env.LEARNGENE_NATIVE_PATH;
  if (forced !== undefined && forced !== '') return [forced];
  const files = [join(packageFolder(), 'native', `learngene.${platform}.node`)].filter((file) => existsSync(file));
  try {
    files.push(require.resolve(`@learngene/backend-native-${platform}`));
  } catch {
    // No prebuilt package for this platform is installed.
  }
  return files;
}

let loaded: NativeAddon | NativeUnavailableError | undefined;

/**
 * Loads the addon: the file that `LEARNGENE_NATIVE_PATH` names, else the workspace's own build, else the prebuilt
 * package of the platform. The outcome is remembered.
 *
 * @throws NativeUnavailableError with the reason and the remedy where none can be loaded
 * @throws RangeError that names `LEARNGENE_NUM_THREADS` or `LEARNGENE_SIMD` where its value cannot be honoured
 */
export function loadNative(): NativeAddon {
  if (loaded === undefined) checkSettings();
  loaded ??= load();
  if (loaded instanceof NativeUnavailableError) throw loaded;
  checkLevel(loaded.simdLevel());
  return loaded;
}

function load(): NativeAddon | NativeUnavailableError {
  const require = createRequire(import.meta.url);
  const files = candidates(require);
  if (files.length === 0) {
    return new NativeUnavailableError(`not built, and no prebuilt package for ${platformName()} is installed`, REMEDY);
  }
  const reasons: string[] = [];
  for (const file of files) {
    try {
      const addon = loadFile(file, require);
      const abi = addon.abiVersion?.();
      if (abi === ABI) return addon;
      reasons.push(`${file} was built from other sources (its calls have version ${abi}, ${ABI} is expected)`);
    } catch (error) {
      reasons.push(`${file} does not load: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
    }
  }
  const forced = process.env.LEARNGENE_NATIVE_PATH;
  const remedy = forced ? 'correct or unset LEARNGENE_NATIVE_PATH' : REMEDY;
  return new NativeUnavailableError(reasons.join('; '), remedy);
}

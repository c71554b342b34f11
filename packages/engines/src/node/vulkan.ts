import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What keeps a program from a graphics processor. */
export interface MissingPiece {
  /** What is missing, and where it was looked for. */
  reason: string;
  /** How to get it. */
  remedy: string;
}

/** The machine that is looked at. */
export interface Machine {
  /** Default the process's. */
  platform?: NodeJS.Platform;
  /** Default the process's. */
  env?: NodeJS.ProcessEnv;
  /** Where its file system begins (default `/`). */
  root?: string;
}

const LIBRARY_FOLDERS = ['/lib', '/lib64', '/usr/lib', '/usr/lib64', '/usr/local/lib', '/usr/local/lib64'];

/** Folders that the dynamic linker of Linux looks into: those named, the usual ones, and the usual ones by machine. */
function linkerFolders({ env = process.env, root = '/' }: Machine): string[] {
  const named = (env.LD_LIBRARY_PATH ?? '').split(delimiter).filter(Boolean);
  const triples = ['x86_64-linux-gnu', 'aarch64-linux-gnu'];
  const usual = LIBRARY_FOLDERS.flatMap((folder) => [folder, ...triples.map((triple) => join(folder, triple))]);
  return [...named, ...usual].map((folder) => join(root, folder));
}

/** Manifests of Vulkan drivers, found as the loader finds them. */
function drivers({ env = process.env, root = '/' }: Machine): string[] {
  const named = env.VK_DRIVER_FILES ?? env.VK_ICD_FILENAMES;
  if (named) return named.split(delimiter).filter((file) => existsSync(join(root, file)));
  const home = env.HOME ?? '/root';
  const bases = [
    env.XDG_CONFIG_HOME ?? join(home, '.config'),
    ...(env.XDG_CONFIG_DIRS ?? '/etc/xdg').split(delimiter),
    '/etc',
    env.XDG_DATA_HOME ?? join(home, '.local', 'share'),
    ...(env.XDG_DATA_DIRS ?? '/usr/local/share:/usr/share').split(delimiter),
  ];
  return bases.flatMap((base) => {
    const folder = join(root, base, 'vulkan', 'icd.d');
    return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
  });
}

/** Why there is no graphics adapter on this machine, as far as its files tell. */
export function missingPiece(machine: Machine = {}): MissingPiece {
  const { platform = process.platform, env = process.env } = machine;
  const reboot = 'install or update the driver of the graphics processor';
  if (platform === 'darwin') return { reason: 'no Metal device was found', remedy: 'use another engine' };
  if (platform === 'win32') return { reason: 'no D3D12 or Vulkan device was found', remedy: reboot };
  if (!linkerFolders(machine).some((folder) => existsSync(join(folder, 'libvulkan.so.1')))) {
    return {
      reason: 'the Vulkan loader (libvulkan.so.1) is not installed',
      remedy: 'install it (Debian, Ubuntu: apt-get install libvulkan1; Fedora: dnf install vulkan-loader)',
    };
  }
  if (drivers(machine).length === 0) {
    const named = env.VK_DRIVER_FILES ?? env.VK_ICD_FILENAMES;
    const where = named ? `${named}, which the environment names` : 'vulkan/icd.d';
    return {
      reason: `the Vulkan loader is there, but no driver (none in ${where})`,
      remedy:
        'install one (NVIDIA: its driver, in a container with the capability graphics; AMD, Intel: mesa-vulkan-drivers)',
    };
  }
  return {
    reason: 'the Vulkan loader and a driver are there, but no graphics processor that they can use',
    remedy: 'see what vulkaninfo --summary says; in a container, pass the device (/dev/dri, or --gpus all) to it',
  };
}

import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where an optional package is to be installed. */
export interface InstallPlace {
  /** The folder that the process runs in (default its own). */
  cwd?: string;
  /** A file of this package as it is installed (default this one). */
  self?: string;
}

/** What a package needs besides being there. */
export interface InstallOptions {
  /** Names of packages whose install scripts must run; pnpm runs none that is not named. */
  allowScripts?: readonly string[];
}

/** The nearest folder from `folder` upwards that holds one of the files, and the file. */
function nearest(folder: string, files: readonly string[]): { folder: string; file: string } | undefined {
  const file = files.find((name) => existsSync(join(folder, name)));
  if (file !== undefined) return { folder, file };
  const parent = dirname(folder);
  return parent === folder ? undefined : nearest(parent, files);
}

/** The clone of the repository that a file is in, and the pnpm that its `package.json` pins. */
function cloneAround(file: string): { root: string; pnpm: string } | undefined {
  const root = nearest(dirname(file), ['pnpm-workspace.yaml'])?.folder;
  if (root === undefined) return undefined;
  const { name, packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return name === 'learngene-workspace' ? { root, pnpm: packageManager } : undefined;
}

/** True for a file under the global folder of npm: a `node_modules` that belongs to no project. */
function isGlobal(file: string): boolean {
  const at = file.indexOf(`${sep}node_modules${sep}`);
  return at >= 0 && !existsSync(join(file.slice(0, at), 'package.json'));
}

const ADDERS = {
  'pnpm-lock.yaml': 'pnpm add',
  'yarn.lock': 'yarn add',
  'bun.lock': 'bun add',
  'bun.lockb': 'bun add',
  'package-lock.json': 'npm install',
} as const;

const lockFiles = Object.keys(ADDERS) as (keyof typeof ADDERS)[];

/**
 * The shell command that installs optional packages where this package finds them: into the workspace of a clone, into
 * the user's project with the package manager of its lock file, or beside a global installation.
 *
 * @param packages - What to install, each a name or `name@version`.
 */
export function installCommand(
  packages: readonly string[],
  { cwd = process.cwd(), self = realpathSync(fileURLToPath(import.meta.url)) }: InstallPlace = {},
  { allowScripts = [] }: InstallOptions = {},
): string {
  const list = packages.join(' ');
  const allowed = allowScripts.map((name) => ` --allow-build=${name}`).join('');
  const clone = cloneAround(self);
  if (clone) {
    // `npm install` fails in a clone: it does not know pnpm's `catalog:` versions.
    const elsewhere = cwd === clone.root || cwd.startsWith(clone.root + sep) ? '' : ` --dir ${quoted(clone.root)}`;
    return `npx --yes ${clone.pnpm}${elsewhere} add --workspace-root${allowed} ${list}`;
  }
  const project = nearest(cwd, ['package.json']);
  if (project === undefined && isGlobal(self)) return `npm install --global ${list}`;
  // The lock file may be that of a workspace further up.
  const lock = project && nearest(project.folder, lockFiles)?.file;
  const adder = ADDERS[(lock ?? 'package-lock.json') as keyof typeof ADDERS];
  return `${adder}${adder === 'pnpm add' ? allowed : ''} ${list}`;
}

function quoted(path: string): string {
  return /[^\w./:\\-]/.test(path) ? `"${path}"` : path;
}

// Builds the addon with cargo and puts it where the package looks for it: native/learngene.<platform>.node.
// Usage: node scripts/build.mjs [--platform <name> --target <rust triple> [--zig <glibc suffix>]]
// --zig builds with cargo-zigbuild, for another processor or against an older glibc (`.2.17`, or `` for musl).
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// @boundaries-ignore what the scripts of all packages share
import { commandLine } from '../../../scripts/command-line.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = commandLine(import.meta.url, {
  platform: { type: 'string' },
  target: { type: 'string' },
  zig: { type: 'string' },
});

function hostPlatform() {
  const { platform, arch } = process;
  const glibc = process.report.getReport().header.glibcVersionRuntime !== undefined;
  if (platform === 'linux') return `linux-${arch}-${glibc ? 'gnu' : 'musl'}`;
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

/** The file that cargo writes for a dynamic library. */
function libraryName(platform) {
  if (platform.startsWith('win32')) return 'learngene_node.dll';
  return platform.startsWith('darwin') ? 'liblearngene_node.dylib' : 'liblearngene_node.so';
}

const platform = values.platform ?? hostPlatform();
const args = [values.zig === undefined ? 'build' : 'zigbuild', '--release', '--locked', '--package', 'learngene-node'];
if (values.target !== undefined) args.push('--target', `${values.target}${values.zig ?? ''}`);
const env = { ...process.env };
if (platform.endsWith('musl')) env.RUSTFLAGS = `${env.RUSTFLAGS ?? ''} -C target-feature=-crt-static`.trim();
const result = spawnSync('cargo', args, { cwd: root, stdio: 'inherit', env });
if (result.error !== undefined) {
  console.error(`cargo could not be started: ${result.error.message}`);
  process.exit(1);
}
if (result.status !== 0) process.exit(result.status ?? 1);

const built = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), values.target ?? '', 'release');
const file = join(root, 'native', `learngene.${platform}.node`);
mkdirSync(join(root, 'native'), { recursive: true });
// Rename, so that a process that has the old file loaded keeps it whole.
copyFileSync(join(built, libraryName(platform)), `${file}.new`);
renameSync(`${file}.new`, file);
console.log(`Built ${file}`);

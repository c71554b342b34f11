// The prebuilt packages, one a platform: what the release workflow calls.
//   node scripts/prebuilt.mjs matrix            the platforms as JSON, for a job matrix
//   node scripts/prebuilt.mjs pack <platform>   native/learngene.<platform>.node -> npm/<platform>/ (a package to publish)
//   node scripts/prebuilt.mjs publish           names all of them in optionalDependencies of package.json and publishes them
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
// @boundaries-ignore what the scripts of all packages share
import { commandLine } from '../../../scripts/command-line.mjs';

/** Every platform that a release has: its name, the Rust target, the machine that builds it, and npm's filters. */
export const platforms = [
  {
    name: 'linux-x64-gnu',
    target: 'x86_64-unknown-linux-gnu',
    zig: '.2.17',
    runner: 'ubuntu-latest',
    os: 'linux',
    cpu: 'x64',
    libc: 'glibc',
  },
  {
    name: 'linux-arm64-gnu',
    target: 'aarch64-unknown-linux-gnu',
    zig: '.2.17',
    runner: 'ubuntu-latest',
    os: 'linux',
    cpu: 'arm64',
    libc: 'glibc',
  },
  {
    name: 'linux-x64-musl',
    target: 'x86_64-unknown-linux-musl',
    zig: '',
    runner: 'ubuntu-latest',
    os: 'linux',
    cpu: 'x64',
    libc: 'musl',
  },
  {
    name: 'linux-arm64-musl',
    target: 'aarch64-unknown-linux-musl',
    zig: '',
    runner: 'ubuntu-latest',
    os: 'linux',
    cpu: 'arm64',
    libc: 'musl',
  },
  { name: 'darwin-x64', target: 'x86_64-apple-darwin', runner: 'macos-latest', os: 'darwin', cpu: 'x64' },
  { name: 'darwin-arm64', target: 'aarch64-apple-darwin', runner: 'macos-latest', os: 'darwin', cpu: 'arm64' },
  { name: 'win32-x64-msvc', target: 'x86_64-pc-windows-msvc', runner: 'windows-latest', os: 'win32', cpu: 'x64' },
];

const packageName = (platform) => `@learngene/backend-native-${platform}`;

/** The package.json of a prebuilt package. */
export function prebuiltManifest(platform, parent) {
  const { name, os, cpu, libc } = platform;
  return {
    name: packageName(name),
    version: parent.version,
    description: `The ${name} binary of @learngene/backend-native`,
    license: parent.license,
    repository: parent.repository,
    homepage: parent.homepage,
    main: `learngene.${name}.node`,
    files: [`learngene.${name}.node`],
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    engines: parent.engines,
    publishConfig: parent.publishConfig,
  };
}

/** Writes npm/<platform> in the package's folder. */
export function pack(folder, name) {
  const platform = platforms.find((candidate) => candidate.name === name);
  if (platform === undefined) throw new Error(`${name}: expected one of ${platforms.map((p) => p.name).join(', ')}`);
  const binary = join(folder, 'native', `learngene.${name}.node`);
  if (!existsSync(binary)) throw new Error(`${binary} is missing: build it with scripts/build.mjs first`);
  const parent = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const out = join(folder, 'npm', name);
  mkdirSync(out, { recursive: true });
  copyFileSync(binary, join(out, `learngene.${name}.node`));
  copyFileSync(join(folder, 'LICENSE'), join(out, 'LICENSE'));
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(prebuiltManifest(platform, parent), null, 2)}\n`);
  writeFileSync(
    join(out, 'README.md'),
    `# ${packageName(name)}\n\nThe ${name} binary of [@learngene/backend-native](${parent.homepage}).\n`,
  );
  return out;
}

/** Adds every packed platform to the optionalDependencies of the package; all of them must be there. */
export function link(folder) {
  const missing = platforms.filter(({ name }) => !existsSync(join(folder, 'npm', name, 'package.json')));
  if (missing.length > 0) throw new Error(`not packed: ${missing.map(({ name }) => name).join(', ')}`);
  const file = join(folder, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  manifest.optionalDependencies = Object.fromEntries(
    platforms.map(({ name }) => [packageName(name), manifest.version]),
  );
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Publishes the packed platforms whose version is not published yet. */
function publish(folder) {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  for (const { name } of platforms) {
    if (
      spawnSync(npm, ['view', `${packageName(name)}@${version}`, 'version'])
        .stdout?.toString()
        .trim() === version
    )
      continue;
    const { status } = spawnSync(npm, ['publish'], { cwd: join(folder, 'npm', name), stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  const [command, argument] = commandLine(import.meta.url, {}, { positionals: true }).positionals;
  if (command === 'matrix') console.log(JSON.stringify({ include: platforms }));
  else if (command === 'pack' && argument !== undefined) console.log(`Wrote ${pack(folder, argument)}`);
  else if (command === 'publish') {
    link(folder);
    publish(folder);
  } else {
    console.error('usage: node scripts/prebuilt.mjs matrix | pack <platform> | publish');
    process.exit(2);
  }
}

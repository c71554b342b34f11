// The unit tests of the crates under AddressSanitizer: out-of-bounds and use-after-free in the SIMD paths too, which Miri
// does not run. Linux on x86-64. Usage: node scripts/sanitize.mjs
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
// @boundaries-ignore what the scripts of all packages share
import { commandLine } from '../../../scripts/command-line.mjs';

commandLine(import.meta.url);

const crates = ['pool', 'simd', 'gemm', 'kernels'].flatMap((name) => ['--package', `learngene-${name}`]);
const target = 'x86_64-unknown-linux-gnu';
for (const level of ['avx512', 'avx2', 'scalar']) {
  console.log(`AddressSanitizer, LEARNGENE_SIMD=${level}`);
  const { status, error } = spawnSync(
    'cargo',
    ['test', '--lib', '--release', '--locked', '--target', target, '--target-dir', 'target/sanitize', ...crates],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      stdio: 'inherit',
      // The sanitizer is an unstable option that the stable compiler has behind this variable.
      env: { ...process.env, RUSTC_BOOTSTRAP: '1', RUSTFLAGS: '-Zsanitizer=address', LEARNGENE_SIMD: level },
    },
  );
  if (error !== undefined) console.error(`cargo could not be started: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

// Compiles gemm.as and reduce.as with AssemblyScript and writes them as base64 to src/wasm/<name>-binary.ts.
// Run where the `asc` of npm's assemblyscript 0.28 is on the path: node wasm/build.mjs
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

for (const name of ['gemm', 'reduce']) {
  const out = `${here}${name}.wasm`;
  const flags = ['-O3', '--noAssert', '--enable', 'simd', '--runtime', 'stub', '--importMemory', '-o', out];
  // The compiler insists on the ending .ts, under which other tools would take the file for TypeScript.
  copyFileSync(`${here}${name}.as`, `${here}${name}.as.ts`);
  try {
    execFileSync('asc', [`${here}${name}.as.ts`, ...flags], { stdio: 'inherit' });
  } finally {
    rmSync(`${here}${name}.as.ts`);
  }
  const binary = readFileSync(out);
  rmSync(out);
  const module = new WebAssembly.Module(binary);
  const imports = WebAssembly.Module.imports(module).map((entry) => entry.name);
  if (String(imports) !== 'memory') throw new Error(`${name}.as: expected to import only the memory, got ${imports}`);
  // Browsers compile at most 4 KB synchronously.
  if (binary.length > 4096) throw new Error(`${name}.as: expected at most 4096 bytes, got ${binary.length}`);
  const lines = binary
    .toString('base64')
    .match(/.{1,100}/g)
    .map((line) => `  '${line}'`);
  writeFileSync(
    `${here}../src/wasm/${name}-binary.ts`,
    `/** wasm/${name}.as, compiled by wasm/build.mjs (${binary.length} bytes), as base64. */\n` +
      `export const ${name.toUpperCase()}_BINARY = /* @__PURE__ */ [\n${lines.join(',\n')},\n].join('');\n`,
  );
  console.log(`${name}-binary.ts: ${binary.length} bytes`);
}

// Compiles the .as files with AssemblyScript and writes them as base64 to src/wasm/<name>-binary.ts.
// Run where the `asc` of npm's assemblyscript 0.28 is on the path: node wasm/build.mjs
import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

// The compiler insists on the ending .ts, under which other tools would take the files for TypeScript.
const sources = readdirSync(here).filter((file) => file.endsWith('.as'));
const copies = sources.map((file) => `${here}${file}.ts`);
try {
  for (const file of sources) copyFileSync(`${here}${file}`, `${here}${file}.ts`);
  for (const name of ['gemm', 'reduce', 'optimizer', 'pointwise', 'norm', 'attention', 'low-rank']) compile(name);
} finally {
  for (const copy of copies) rmSync(copy);
}

function compile(name) {
  const out = `${here}${name}.wasm`;
  const memory = ['--importMemory', '--maximumMemory', '65536']; // a maximum, so that it can be shared
  const flags = ['-O3', '--noAssert', '--enable', 'simd', '--runtime', 'stub', ...memory, '-o', out];
  execFileSync('asc', [`${here}${name}.as.ts`, ...flags], { stdio: 'inherit' });
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
      `export const ${name.toUpperCase().replace('-', '_')}_BINARY = /* @__PURE__ */ [\n${lines.join(',\n')},\n].join('');\n`,
  );
  console.log(`${name}-binary.ts: ${binary.length} bytes`);
}

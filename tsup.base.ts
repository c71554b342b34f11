import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { defineConfig } from 'tsup';
import { bundleGradients } from './tsup.gradients';

/**
 * The build of every published package: `tsup` bundles ESM + CJS for each entry file `src/<entry>.ts`, `tsup --env.TYPES 1`
 * writes the declarations (slow, and not needed to run anything).
 *
 * @param options.importMetaUrl gives the CommonJS build an `import.meta.url`, for a package that looks for its own files.
 *   (tsup's own `shims` would put `import 'path'` and `import 'url'` into every ESM file, those for browsers too.)
 * @param options.gradients bundles what is imported from `@tensorflow/tfjs-core/dist/gradients`.
 * @param options.splitting shares chunks between the entries, so that they have one copy of an error class or a registry,
 *   in CommonJS too. tsup then writes every `import()` of the CommonJS build as `require()`, so a package that loads one
 *   which `require()` refuses goes without.
 */
export function packageConfig(entries: string[], { importMetaUrl = false, gradients = false, splitting = true } = {}) {
  return defineConfig(({ env }) => ({
    entry: Object.fromEntries(entries.map((entry) => [entry, `src/${entry}.ts`])),
    format: ['esm', 'cjs'],
    target: 'es2022',
    splitting,
    sourcemap: true,
    clean: env?.TYPES ? false : ['**/*.js', '**/*.cjs', '**/*.map'],
    // TypeScript 6 deprecates an option that tsup's declaration build still sets.
    dts: env?.TYPES ? { only: true, compilerOptions: { ignoreDeprecations: '6.0' } } : false,
    // tfjs-core ships its gradients only as modules that Node cannot load unbundled, so they travel inside our build.
    noExternal: [/^@tensorflow\/tfjs-core\/dist\/gradients\//],
    esbuildPlugins: [...(gradients ? [bundleGradients()] : []), ...(importMetaUrl ? [importMetaUrlForCommonJs()] : [])],
  }));
}

/** Gives the modules that ask for `import.meta.url`, and no others, what it would be. */
function importMetaUrlForCommonJs(): Plugin {
  return {
    name: 'import-meta-url',
    setup({ initialOptions, onLoad }) {
      if (initialOptions.define?.TSUP_FORMAT !== '"cjs"') return;
      onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (!source.includes('import.meta.url')) return undefined;
        const url = "import { pathToFileURL as urlOfFile } from 'node:url';\n";
        return { contents: url + source.replaceAll('import.meta.url', 'urlOfFile(__filename).href'), loader: 'ts' };
      });
    },
  };
}

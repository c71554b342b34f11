import { defineConfig } from 'tsup';
import { bundleGradients } from './tsup.gradients';

/**
 * The build of every published package: `tsup` bundles ESM + CJS for each entry file `src/<entry>.ts`, `tsup --env.TYPES 1`
 * writes the declarations (slow, and not needed to run anything).
 *
 * @param options.shims gives the CommonJS build an `import.meta.url`, for a package that looks for its own files. It also
 *   puts `import 'path'` and `import 'url'` into every ESM file: never for a package that browsers load.
 * @param options.gradients bundles what is imported from `@tensorflow/tfjs-core/dist/gradients`.
 */
export function packageConfig(entries: string[], { shims = false, gradients = false } = {}) {
  return defineConfig(({ env }) => ({
    entry: Object.fromEntries(entries.map((entry) => [entry, `src/${entry}.ts`])),
    format: ['esm', 'cjs'],
    target: 'es2022',
    // One copy of an error class or a registry for all entries, in CommonJS too.
    splitting: true,
    sourcemap: true,
    shims,
    clean: env?.TYPES ? false : ['**/*.js', '**/*.cjs', '**/*.map'],
    // TypeScript 6 deprecates an option that tsup's declaration build still sets.
    dts: env?.TYPES ? { only: true, compilerOptions: { ignoreDeprecations: '6.0' } } : false,
    // tfjs-core ships its gradients only as modules that Node cannot load unbundled, so they travel inside our build.
    noExternal: [/^@tensorflow\/tfjs-core\/dist\/gradients\//],
    esbuildPlugins: gradients ? [bundleGradients()] : [],
  }));
}

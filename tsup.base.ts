import { defineConfig } from 'tsup';

/** The build of every published package: ESM + CJS + declarations for each entry file `src/<entry>.ts`. */
export function packageConfig(entries: string[]) {
  return defineConfig({
    entry: Object.fromEntries(entries.map((entry) => [entry, `src/${entry}.ts`])),
    format: ['esm', 'cjs'],
    target: 'es2022',
    sourcemap: true,
    clean: true,
    // TypeScript 6 deprecates an option that tsup's declaration build still sets.
    dts: { compilerOptions: { ignoreDeprecations: '6.0', customConditions: [] } },
    // tfjs-core ships its gradients only as modules that Node cannot load unbundled, so they travel inside our build.
    noExternal: [/^@tensorflow\/tfjs-core\/dist\/register_all_gradients/],
  });
}

// What an import costs a page, by esbuild.
import { build } from 'esbuild';

const common = { bundle: true, minify: true, format: 'esm', legalComments: 'none', write: false, logLevel: 'silent' };

/**
 * Bytes of a module and all that it imports at its start, minified for browsers; without tfjs, which the page has anyway.
 * What `import()` loads on demand does not count.
 *
 * @param source the module, for instance `export { flattenParams } from '@learngene/nn';`
 * @param folder where its imports are resolved from
 */
export async function bundledBytes(source, folder) {
  const { metafile } = await build({
    ...common,
    stdin: { contents: source, resolveDir: folder },
    platform: 'browser',
    external: ['@tensorflow/*'],
    splitting: true,
    outdir: folder,
    metafile: true,
  });
  const [start] = Object.keys(metafile.outputs).filter((file) => metafile.outputs[file].entryPoint === '<stdin>');
  const loaded = new Set([start]);
  for (const file of loaded) {
    for (const { path, kind } of metafile.outputs[file].imports) {
      if (kind === 'import-statement' && path in metafile.outputs) loaded.add(path);
    }
  }
  return [...loaded].reduce((bytes, file) => bytes + metafile.outputs[file].bytes, 0);
}

/**
 * What stays of a module, and of those of its package that it imports, where nothing of it is used, whatever `sideEffects`
 * says: what it does at its top, and what a bundler cannot prove to do nothing. Imports of other packages do not count.
 *
 * @param file the module's source
 * @returns minified code
 */
export async function unshakable(file) {
  const { outputFiles } = await build({
    ...common,
    stdin: { contents: `import ${JSON.stringify(file)};`, resolveDir: '/' },
    platform: 'neutral',
    packages: 'external',
    plugins: [ignoreSideEffectsField()],
  });
  return outputFiles[0].text.replace(/import(?:[^"';]*?from)?\s*"[^"]*";?/g, '').trim();
}

/** esbuild's own `ignoreAnnotations` would ignore `@__PURE__` too. */
function ignoreSideEffectsField() {
  return {
    name: 'ignore-side-effects-field',
    setup({ onResolve, resolve }) {
      onResolve({ filter: /^[./]|^[A-Z]:/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
        if (pluginData === 'resolving') return undefined;
        const found = await resolve(path, { kind, importer, resolveDir, pluginData: 'resolving' });
        return { path: found.path, external: found.external, errors: found.errors, sideEffects: true };
      });
    },
  };
}

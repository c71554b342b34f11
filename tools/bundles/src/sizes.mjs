// What an import costs a page, by esbuild.
import { build } from 'esbuild';

const common = { bundle: true, minify: true, format: 'esm', legalComments: 'none', write: false, logLevel: 'silent' };

/**
 * Bytes of a module and all that it imports, minified for browsers; without tfjs, which the page has anyway.
 *
 * @param source the module, for instance `export { flattenParams } from '@learngene/nn';`
 * @param folder where its imports are resolved from
 */
export async function bundledBytes(source, folder) {
  const { outputFiles } = await build({
    ...common,
    stdin: { contents: source, resolveDir: folder },
    platform: 'browser',
    external: ['@tensorflow/*'],
  });
  return outputFiles[0].contents.length;
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

import { createRequire } from 'node:module';
import { relative, sep } from 'node:path';
import type { Plugin } from 'esbuild';

const CORE = '@tensorflow/tfjs-core';

/**
 * Modules of tfjs-core that hold state or act when they are loaded, and what the public API has in their place. A name that
 * is missing here fails the build.
 */
const PUBLIC_FORMS: Readonly<Record<string, string>> = {
  'base.js': `export { backend_util } from '${CORE}';`,
  'engine.js': `import { engine } from '${CORE}'; export const ENGINE = /* @__PURE__ */ engine();`,
  'environment.js': `export { env } from '${CORE}';`,
  'kernel_registry.js': `export { getGradient, getKernel, registerGradient } from '${CORE}';`,
  'tensor.js': `import { Tensor } from '${CORE}'; export { Tensor }; export const getGlobalTensorClass = () => Tensor;`,
};

/**
 * Bundles the gradients of tfjs-core, which Node cannot load as they are, without a second copy of the rest: ops that are
 * public are imported from `@tensorflow/tfjs-core`. Only the gradients, ops of theirs that are not public and pure helpers
 * are copied.
 */
export function bundleGradients(): Plugin {
  return {
    name: 'tfjs-gradients',
    setup({ esbuild, onLoad, onResolve, resolve }) {
      const require = createRequire(import.meta.url);
      const dist = require.resolve(`${CORE}/dist/index.js`).slice(0, -'index.js'.length);
      const publicNames = new Set(Object.keys(require(CORE)));

      /** The source that takes a module's place; undefined where the module itself is copied. */
      async function publicForm(file: string): Promise<string | undefined> {
        const name = relative(dist, file).replaceAll('\\', '/');
        if (Object.hasOwn(PUBLIC_FORMS, name)) return PUBLIC_FORMS[name];
        if (!/^ops\/[^/]+\.js$/.test(name)) return undefined;
        const { metafile } = await esbuild.build({ entryPoints: [file], write: false, metafile: true, format: 'esm' });
        const names = Object.values(metafile.outputs)[0].exports;
        return names.every((name) => publicNames.has(name))
          ? `export { ${names.join(', ')} } from '${CORE}';`
          : undefined;
      }

      onResolve({ filter: /^@tensorflow\/tfjs-core$/ }, ({ path }) => ({ path, external: true }));
      onResolve({ filter: /^\./ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
        if (pluginData === 'resolving' || !`${resolveDir}${sep}`.startsWith(dist)) return undefined;
        const found = await resolve(path, { kind, importer, resolveDir, pluginData: 'resolving' });
        if (found.errors.length > 0) return { errors: found.errors };
        const contents = await publicForm(found.path);
        const namespace = contents === undefined ? 'file' : 'public-form';
        return { path: found.path, namespace, pluginData: contents, sideEffects: false };
      });
      onLoad({ filter: /.*/, namespace: 'public-form' }, ({ pluginData }) => ({
        contents: pluginData,
        loader: 'js',
        resolveDir: dist,
      }));
    },
  };
}

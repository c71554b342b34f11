import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * The script of a page and all that it imports as one ES module, by esbuild for browsers. The packages are those that would
 * be published (`dist`), so they must have been built.
 *
 * @throws on any error or warning of esbuild, such as a module of Node that a package imports.
 */
export async function bundlePage(entry: URL): Promise<string> {
  const { outputFiles, warnings } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  });
  if (warnings.length > 0) throw new Error(`esbuild warns: ${warnings.map(({ text }) => text).join('; ')}`);
  return outputFiles[0].text;
}

/** A page that runs a module script. */
export function htmlOf(script: string): string {
  return `<!doctype html><title>test</title><link rel="icon" href="data:,"><script type="module" src="${script}"></script>`;
}

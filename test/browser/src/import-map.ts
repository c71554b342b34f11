import { isBuiltin } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
// @boundaries-ignore the entries for browsers are listed in one place
import { browserEntries } from '../../../tools/bundles/src/project.mjs';
import type { Routes } from './serve';

const packages = fileURLToPath(new URL('../../../packages', import.meta.url));

/** The packages for a page without a bundler. */
export interface ServedPackages {
  /** Name and built file of every entry for browsers. */
  readonly entries: readonly { readonly name: string; readonly file: string }[];
  /** The `imports` of an import map. */
  readonly imports: Readonly<Record<string, string>>;
  /** Where the server finds what the map names. */
  readonly routes: Routes;
}

/**
 * The built packages as they are, and the packages that they import each as one ES module, as servers of modules give them.
 * Modules of Node are not in the map: importing one fails in the page.
 */
export async function servePackages(): Promise<ServedPackages> {
  const entries = browserEntries();
  const imports: Record<string, string> = {};
  const routes: Record<string, Routes[string]> = { '/packages/': { folder: packages } };
  for (const { name, file } of entries) imports[name] = `/packages/${relative(packages, file).replaceAll('\\', '/')}`;
  const others = [...(await importsOf(entries.map(({ file }) => file)))].filter(
    ([name]) => !(name in imports) && !isBuiltin(name),
  );
  for (const [i, [name, importer]] of others.entries()) {
    imports[name] = `/modules/${i}.js`;
    routes[imports[name]] = await oneModule(name, dirname(importer), [
      ...entries.map((entry) => entry.name),
      ...others.map(([other]) => other).filter((other) => other !== name),
    ]);
  }
  return { entries, imports, routes };
}

/** The packages that built files import, each with a file that does. */
async function importsOf(files: string[]): Promise<Map<string, string>> {
  const common = { bundle: true, format: 'esm', packages: 'external', write: false, metafile: true } as const;
  const { metafile } = await build({ ...common, entryPoints: files, outdir: packages, absWorkingDir: packages });
  const found = Object.entries(metafile.inputs).flatMap(([file, { imports }]) =>
    imports.filter(({ external }) => external).map(({ path }) => [path, resolve(packages, file)] as const),
  );
  return new Map(found);
}

async function oneModule(name: string, resolveDir: string, external: string[]): Promise<string> {
  const stdin = { contents: `export * from '${name}';`, resolveDir };
  const common = { bundle: true, format: 'esm', platform: 'browser', write: false, logLevel: 'error' } as const;
  // esbuild's own `external` would leave out files inside those packages too, which the map has not.
  const exactly: Plugin = {
    name: 'exactly-external',
    setup: ({ onResolve }) =>
      onResolve({ filter: /^[^./]/ }, ({ path }) => (external.includes(path) ? { path, external: true } : undefined)),
  };
  const { outputFiles } = await build({ ...common, stdin, plugins: [exactly] });
  return outputFiles[0].text;
}

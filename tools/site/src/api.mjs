// The reference of the API as Markdown, a page an entry of a package: api/nn/index.md, api/nn/node.md.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Application } from 'typedoc';
import { DOCS, GENERATED, ROOT } from '../../../docs/.vitepress/pages.mjs';

// The plug-ins are dependencies of the site alone.
const { resolve } = createRequire(join(DOCS, 'package.json'));

/** How often a page has a heading, by the anchor of the first of them. */
function anchorsOf(page) {
  const counts = new Map();
  for (const [, title] of page.matchAll(/^#{2,6} (.+)$/gm)) {
    const anchor = title.replace(/[^\w-]/g, '').toLowerCase();
    counts.set(anchor, (counts.get(anchor) ?? 0) + 1);
  }
  return counts;
}

/**
 * Mends links to `#engineload-1` where the page has one heading of that name: typedoc-plugin-markdown also counts the method
 * `load` of `Engine`, which has no such heading.
 */
function mendAnchors(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.md'));
  const pages = new Map(files.map((name) => [join(folder, name), readFileSync(join(folder, name), 'utf8')]));
  for (const [path, text] of pages) {
    const mended = text.replace(/\]\(([^()#\s]*)#([\w-]+)-(\d+)\)/g, (link, file, anchor, number) => {
      const target = pages.get(file === '' ? path : join(dirname(path), file));
      const count = target === undefined ? 0 : (anchorsOf(target).get(anchor) ?? 0);
      return count > 0 && count <= Number(number) ? `](${file}#${anchor})` : link;
    });
    if (mended !== text) writeFileSync(path, mended);
  }
}

/** Gives every page the name that is imported as its title, and takes lists of pages away, which the navigation has. */
function arrange(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!statSync(path).isDirectory()) continue;
    for (const file of readdirSync(path)) {
      const entry = file.replace(/\.md$/, '');
      const title = `# @learngene/${name}${entry === 'index' ? '' : `/${entry}`}`;
      if (entry === 'entries') rmSync(join(path, file));
      else writeFileSync(join(path, file), readFileSync(join(path, file), 'utf8').replace(/^# .*$/m, title));
    }
  }
  rmSync(join(folder, 'entries.md'));
  mendAnchors(folder);
}

/** Writes docs/generated/api; a warning of typedoc is an error. */
export async function writeApi() {
  const app = await Application.bootstrapWithPlugins({
    options: join(ROOT, 'typedoc.json'),
    plugin: [resolve('typedoc-plugin-markdown'), resolve('typedoc-vitepress-theme')],
    router: 'module',
    docsRoot: GENERATED,
    entryFileName: 'entries',
    excludeScopesInPaths: true,
    excludeExternals: true,
    sanitizeComments: true,
    disableSources: true,
    hideBreadcrumbs: true,
    hidePageHeader: true,
    useCodeBlocks: true,
    packageOptions: { readme: 'none' },
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    classPropertiesFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    typeDeclarationFormat: 'table',
    tableColumnSettings: { hideSources: true, hideModifiers: true, hideInherited: true, hideOverrides: true },
    sidebar: { autoConfiguration: false },
  });
  const project = await app.convert();
  if (project === undefined) throw new Error('typedoc found errors');
  app.validate(project);
  await app.generateOutputs(project);
  arrange(join(GENERATED, 'api'));
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('typedoc found errors or warnings');
}

// Links of the pages are relative paths, as GitHub follows them. Here each becomes the page of the site, or, where the site
// has none, the file on GitHub. A path that does not exist in the repository ends the build.
import { existsSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { addressOf, GENERATED, ROOT, sourceOf } from './pages.mjs';

/** A link that leads nowhere, with the page that has it. */
class DeadLinkError extends Error {
  name = 'DeadLinkError';
}

/** Whether a path of the repository is there, or a page that is generated as if it were. */
const exists = (path) =>
  [join(ROOT, path), join(GENERATED, path.replace(/^docs\//, ''))].some((each) => existsSync(each));

/** The address of a link of the page `file`; links to other servers, to the page itself and from its root stay. */
export function resolveLink(href, file, github) {
  if (/^([a-z]+:|#|\/)/.test(href)) return href;
  const [path, anchor] = href.split('#');
  const source = sourceOf(file);
  const target = posix.join(posix.dirname(source), decodeURI(path)).replace(/\/$/, '');
  if (!exists(target)) throw new DeadLinkError(`${source}: the link ${href} leads to no file (${target})`);
  const rest = anchor === undefined ? '' : `#${anchor}`;
  const address = addressOf(target);
  if (address !== undefined) return address + rest;
  const isFile = statSync(join(ROOT, target)).isFile();
  return isFile && target.startsWith('docs/') ? href : `${github}/${isFile ? 'blob' : 'tree'}/main/${target}${rest}`;
}

/** Resolves the links of all pages before VitePress looks at them. */
export function linkRepository(md, github) {
  md.core.ruler.push('link-repository', ({ tokens, env }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      if (token.type === 'link_open')
        token.attrSet('href', resolveLink(token.attrGet('href'), env.realPath ?? env.path, github));
    }
  });
}

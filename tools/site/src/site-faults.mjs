// What is wrong with a built site.
import { posix } from 'node:path';

const plain = (text) => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'");

/** The values of an attribute in HTML. */
function attribute(html, name) {
  return [...html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g'))].map(([, value]) => plain(value));
}

/** What a page loads: scripts, styles, pictures, fonts. */
function loads(name, text) {
  const urls = [...text.matchAll(/url\(\s*['"]?([^'")]+)/g)].map(([, url]) => url);
  const imports = [...text.matchAll(/@import\s+['"]([^'"]+)/g)].map(([, url]) => url);
  if (name.endsWith('.css')) return [...urls, ...imports];
  const links = [...text.matchAll(/<link\b[^>]*>/g)].flatMap(([tag]) => attribute(tag, 'href'));
  return [...attribute(text, 'src'), ...links, ...urls, ...imports];
}

/**
 * Lists the dead links of a site, and what its pages load from other servers.
 *
 * @param files all files by their path in the site; HTML and CSS with their text
 * @param base the path of the site on its server, with `/` at both ends
 * @returns a line for each fault
 */
export function siteFaults(files, base) {
  const ids = new Map();
  const idsOf = (name) => {
    if (!ids.has(name)) ids.set(name, new Set([...attribute(files.get(name), 'id')]));
    return ids.get(name);
  };
  /** The file of an address, or undefined. */
  const fileOf = (address) => {
    if (!address.startsWith(base)) return undefined;
    const path = address.slice(base.length);
    const names =
      path === '' || path.endsWith('/') ? [`${path}index.html`] : [path, `${path}.html`, `${path}/index.html`];
    return names.find((each) => files.has(each));
  };
  const faults = [];
  for (const [name, text] of files) {
    if (!/\.(html|css)$/.test(name)) continue;
    const found = new Set();
    for (const url of loads(name, text)) {
      if (/^(https?:)?\/\//.test(url)) found.add(`loads ${url} from another server`);
    }
    const links = name.endsWith('.html') ? [...attribute(text, 'href'), ...attribute(text, 'src')] : [];
    for (const link of links) {
      if (/^([a-z]+:|\/\/)/i.test(link)) continue;
      const [path, anchor] = link.split('#');
      const address = posix.join(base, posix.dirname(name), decodeURI(path.split('?')[0]));
      const target = path === '' ? name : fileOf(path.startsWith('/') ? decodeURI(path.split('?')[0]) : address);
      if (target === undefined) found.add(`links to ${link}, which is no page`);
      else if (anchor && target.endsWith('.html') && !idsOf(target).has(decodeURIComponent(anchor))) {
        found.add(`links to ${link}, which that page does not have`);
      }
    }
    faults.push(...[...found].map((fault) => `${name}: ${fault}`));
  }
  return faults;
}

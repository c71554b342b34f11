// The navigation: pages keep their places in `docs`, whatever group they stand in here.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DOCS, GENERATED, packageFolders } from './pages.mjs';

const page = (text, link) => ({ text, link });

/** The title of a page: its first heading. */
export const titleOf = (file) => /^# (.+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? basename(file, '.md');

function decisions() {
  const names = readdirSync(join(DOCS, 'decisions')).filter((name) => name.endsWith('.md'));
  return names.sort().map((name) => page(titleOf(join(DOCS, 'decisions', name)), `/decisions/${name.slice(0, -3)}`));
}

/** A package with its README and the reference of each of its entries. */
function packagePages(folder) {
  const name = basename(folder);
  const api = join(GENERATED, 'api');
  const entries = existsSync(join(api, name)) ? readdirSync(join(api, name)).map((file) => `${name}/${file}`) : [];
  const files = existsSync(join(api, `${name}.md`)) ? [`${name}.md`] : entries.sort();
  const items = files.map((file) => page(titleOf(join(api, file)), `/api/${file.replace(/(index)?\.md$/, '')}`));
  return { text: name, link: `/packages/${name}`, collapsed: true, items };
}

export function sidebar() {
  const guides = [
    page('Draw emoji at once', '/guides/emoji-bundle'),
    page('Photos of your own', '/guides/own-photos'),
    page('ImageNet', '/guides/imagenet'),
    page('Add a class', '/bundles'),
    page('A class as a LoRA', '/peft'),
    page('Models in latents', '/latents'),
    page('Cut to a device', '/guides/cut-to-a-device'),
    page('Compare methods', '/transfer'),
    page('Resume, extend, compare', '/guides/resume-and-extend'),
    page('From PyTorch to here', '/guides/from-pytorch'),
    page('Measure like ADM', '/guides/measure-like-adm'),
  ];
  const reference = [
    page('The command', '/reference/cli'),
    page('Configuration', '/reference/config'),
    { text: 'Packages', collapsed: true, items: packageFolders().map(packagePages) },
    page('Troubleshooting', '/troubleshooting'),
    page('Questions', '/faq'),
  ];
  const work = [
    page('Contributing', '/contributing/'),
    page('Architecture', '/architecture'),
    page('Add a package', '/contributing/add-a-package'),
    page('Add a method', '/contributing/add-a-method'),
    page('Add an engine', '/contributing/add-an-engine'),
    { text: 'Decisions', link: '/decisions/', collapsed: true, items: decisions() },
  ];
  return [
    { text: 'Start', items: [page('Getting started', '/getting-started'), page('Concepts', '/concepts')] },
    { text: 'Guides', items: guides },
    { text: 'Reference', items: reference },
    {
      text: 'Results',
      items: [
        page('In five minutes', '/results/'),
        page('Every table', '/results/full'),
        page('Benchmarks', '/benchmarks'),
      ],
    },
    { text: 'Work on it', items: work },
  ];
}

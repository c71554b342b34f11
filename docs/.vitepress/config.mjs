// The site of the documentation; `npm run docs` builds it.
import { defineConfig } from 'vitepress';
import { consoleLines } from './console-lines.mjs';
import { inlineFigures } from './inline-figures.mjs';
import { linkRepository } from './link-repository.mjs';
import { renderMermaid } from './render-mermaid.mjs';
import { sidebar } from './sidebar.mjs';

const GITHUB = 'https://github.com/learngene/learngene';

// Learngenes and a tailor.
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#3b6fd4" d="M1 2h3v12H1zM5 2h3v12H5z"/><path fill="#d9822b" d="M11 2h3v12h-3z"/></svg>';

export default defineConfig({
  title: 'KIND for TypeScript',
  description: 'Diffusion transformers that come apart into learngenes and tailors',
  lang: 'en',
  // Where the site lies on its server: `/` alone, `/learngene/` on GitHub Pages.
  base: process.env.DOCS_BASE ?? '/',
  // What tools/site/src/generate-pages.mjs wrote stands beside the pages that people wrote.
  rewrites: { 'generated/:path(.*)': ':path' },
  srcExclude: ['node_modules/**'],
  lastUpdated: false,
  head: [['link', { rel: 'icon', href: `data:image/svg+xml,${encodeURIComponent(ICON)}` }]],
  markdown: {
    codeTransformers: [consoleLines],
    config(md) {
      linkRepository(md, GITHUB);
      renderMermaid(md);
      inlineFigures(md);
    },
  },
  vite: { build: { chunkSizeWarningLimit: 4000 } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Getting started', link: '/getting-started' },
      { text: 'Concepts', link: '/concepts' },
      { text: 'Guides', link: '/guides/own-photos' },
      { text: 'Reference', link: '/reference/cli' },
      { text: 'Results', link: '/results/' },
    ],
    sidebar: sidebar(),
    socialLinks: [{ icon: 'github', link: GITHUB }],
    footer: { message: 'Apache-2.0. The method is by Xie, Feng, Wang, Geng and Rui (ICML 2025).' },
  },
});

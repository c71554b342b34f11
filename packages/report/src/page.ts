import { checkText } from './check';
import { checkSections } from './check-sections';
import { escapeHtml } from './escape';
import { HOVER_MARK } from './hover-data';
import { HOVER_SCRIPT } from './hover-script';
import { sectionHtml } from './html';
import type { Section } from './sections';
import { PAGE_STYLE } from './style';

const anchor = (index: number) => `part-${index + 1}`;

/** Links to the parts that have a heading of their own, where there are many. */
function contents(sections: readonly Section[]): string {
  const links = sections.flatMap((section, i) =>
    section.title !== undefined && !['chart', 'details'].includes(section.kind)
      ? [`<li><a href="#${anchor(i)}">${escapeHtml(section.title)}</a></li>`]
      : [],
  );
  return links.length < 8 ? '' : `<nav aria-label="Contents"><ol>${links.join('')}</ol></nav>`;
}

/**
 * Renders sections as one HTML page with everything inside it: it opens with no network. Every text is escaped. Charts show
 * their values under the pointer, and by the arrow keys, by a script in the page.
 *
 * @param subtitle The line below the title.
 * @throws RangeError for a text or a section that is none, and for one with an unknown kind or field, naming it
 */
export function reportPage(title: string, subtitle: string, sections: readonly Section[]): string {
  checkText('title', title);
  checkText('subtitle', subtitle);
  checkSections(sections);
  const parts = sections.map((section, i) => `<section id="${anchor(i)}">${sectionHtml(section)}</section>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${escapeHtml(title)}</title><style>${PAGE_STYLE}</style></head>
<body><header><h1>${escapeHtml(title)}</h1><p class="note">${escapeHtml(subtitle)}</p></header>
${contents(sections)}
<main>
${parts.join('\n')}
</main>${parts.some((part) => part.includes(HOVER_MARK)) ? `<script>${HOVER_SCRIPT}</script>` : ''}</body></html>
`;
}

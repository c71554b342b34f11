/** A part of a report page. */
export type Section =
  | { kind: 'text'; title?: string; text: string }
  | { kind: 'table'; title: string; note?: string; header: readonly string[]; rows: readonly (readonly string[])[] }
  | { kind: 'chart'; svg: string; note?: string }
  | { kind: 'picture'; title: string; note?: string; png: Uint8Array; rowNames?: readonly string[] };

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character]);
}

function sectionHtml(section: Section): string {
  const note = 'note' in section && section.note ? `<p class="note">${escapeHtml(section.note)}</p>` : '';
  switch (section.kind) {
    case 'text':
      return `${section.title ? `<h2>${escapeHtml(section.title)}</h2>` : ''}<p>${escapeHtml(section.text)}</p>`;
    case 'table': {
      const head = section.header.map((cell) => `<th>${escapeHtml(cell)}</th>`).join('');
      const rows = section.rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`);
      return `<h2>${escapeHtml(section.title)}</h2>${note}<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
    }
    case 'chart':
      return `<figure>${section.svg}${note}</figure>`;
    case 'picture': {
      const source = `data:image/png;base64,${Buffer.from(section.png).toString('base64')}`;
      const names = section.rowNames ? `<p class="note">Rows: ${escapeHtml(section.rowNames.join(' · '))}</p>` : '';
      return `<h2>${escapeHtml(section.title)}</h2>${note}${names}<img alt="${escapeHtml(section.title)}" src="${source}">`;
    }
  }
}

const style = `
:root { color-scheme: light dark; --ink: #1c1f24; --paper: #fbfbf9; --line: #d9d9d3; --soft: #6a6f78; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e4; --paper: #17191c; --line: #383c42; --soft: #9aa0aa; } }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem; color: var(--ink); background: var(--paper); font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .5rem; }
.note { color: var(--soft); font-size: .88rem; margin: .2rem 0 .6rem; }
figure { margin: 1.6rem 0; } figure svg { max-width: 100%; height: auto; background: #fff; border: 1px solid var(--line); border-radius: 6px; }
img { max-width: 100%; image-rendering: pixelated; border: 1px solid var(--line); border-radius: 6px; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
`;

/** One HTML page with everything inside it: it opens with no network. */
export function reportPage(title: string, subtitle: string, sections: readonly Section[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${style}</style></head>
<body><h1>${escapeHtml(title)}</h1><p class="note">${escapeHtml(subtitle)}</p>
${sections.map(sectionHtml).join('\n')}
</body></html>
`;
}

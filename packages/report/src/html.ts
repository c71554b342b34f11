import { base64 } from './base64';
import { escapeHtml } from './escape';
import type { Cell, Chart, GalleryImage, ImageTableRow, Section } from './sections';

const LONG_CELL = 44;

function cellHtml(cell: Cell, index: number): string {
  const { text, tone } = typeof cell === 'string' ? { text: cell, tone: undefined } : cell;
  if (index === 0) return `<th scope="row"${tone ? ` class="${tone}"` : ''}>${escapeHtml(text)}</th>`;
  const classes = [...(tone ? [tone] : []), ...(text.length > LONG_CELL ? ['long'] : [])];
  return `<td${classes.length > 0 ? ` class="${classes.join(' ')}"` : ''}>${escapeHtml(text)}</td>`;
}

const source = (png: Uint8Array) => `data:image/png;base64,${base64(png)}`;

function chartHtml({ svg, title, note }: Chart): string {
  const label = title === undefined ? svg : svg.replace(/^<svg/, `<svg role="img" aria-label="${escapeHtml(title)}"`);
  return `<figure>${label}${note ? `<figcaption>${escapeHtml(note)}</figcaption>` : ''}</figure>`;
}

function galleryImageHtml({ title, note, png }: GalleryImage): string {
  const caption = `<figcaption><b>${escapeHtml(title)}</b>${note ? ` ${escapeHtml(note)}` : ''}</figcaption>`;
  return `<figure><img loading="lazy" alt="${escapeHtml(`Samples: ${title}`)}" src="${source(png)}">${caption}</figure>`;
}

function imageRowHtml({ name, images }: ImageTableRow, header: readonly string[]): string {
  const cells = images.map((png, i) => {
    if (png === undefined) return '<td></td>';
    const alt = escapeHtml(`${name}, ${header[i + 1]}`);
    return `<td><img alt="${alt}" src="${source(png)}"></td>`;
  });
  return `<tr><th scope="row">${escapeHtml(name)}</th>${cells.join('')}</tr>`;
}

/** A part of a report as HTML. Every text is escaped; charts are taken as they are. */
export function sectionHtml(section: Section, level = 2): string {
  const heading = section.title === undefined ? '' : `<h${level}>${escapeHtml(section.title)}</h${level}>`;
  const note = 'note' in section && section.note ? `<p class="note">${escapeHtml(section.note)}</p>` : '';
  switch (section.kind) {
    case 'text':
      return (
        heading +
        section.text
          .split('\n\n')
          .map((text) => `<p>${escapeHtml(text)}</p>`)
          .join('')
      );
    case 'list':
      return `${heading}${note}<ul>${section.items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`;
    case 'table': {
      const head = section.header.map((cell) => `<th scope="col">${escapeHtml(cell)}</th>`).join('');
      const rows = section.rows.map((row) => `<tr>${row.map(cellHtml).join('')}</tr>`).join('');
      const caption = section.minor ? `<caption>${escapeHtml(section.title)}</caption>` : '';
      const table = `<table>${caption}<thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table>`;
      const box = `<div class="wide" role="region" tabindex="0" aria-label="${escapeHtml(section.title)}">${table}</div>`;
      return section.minor ? box + note : heading + note + box;
    }
    case 'chart':
      return chartHtml(section);
    case 'charts':
      return `${heading}${note}<div class="charts">${section.charts.map(chartHtml).join('')}</div>`;
    case 'image': {
      const names = section.rowNames ? `<p class="note">Rows: ${escapeHtml(section.rowNames.join(' · '))}</p>` : '';
      return `${heading}${note}${names}<img alt="${escapeHtml(section.title)}" src="${source(section.png)}">`;
    }
    case 'gallery':
      return `${heading}${note}<div class="gallery">${section.images.map(galleryImageHtml).join('')}</div>`;
    case 'image-table': {
      const head = section.header.map((cell) => `<th scope="col">${escapeHtml(cell)}</th>`).join('');
      const rows = section.rows.map((row) => imageRowHtml(row, section.header)).join('');
      const table = `<table><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table>`;
      return `${heading}${note}<div class="wide images" role="region" tabindex="0" aria-label="${escapeHtml(section.title)}">${table}</div>`;
    }
    case 'code':
      return `${heading}${note}<pre tabindex="0"><code>${escapeHtml(section.code)}</code></pre>`;
    case 'details': {
      const inside = section.sections.map((part) => sectionHtml(part, level + 1)).join('');
      return `<details><summary>${escapeHtml(section.title)}</summary>${inside}</details>`;
    }
  }
}

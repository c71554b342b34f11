import { checkFields, checkText } from './check';
import { checkSections } from './check-sections';
import { chartFile } from './render-chart';
import type { Cell, Chart, Section } from './sections';

/** Files that a Markdown document shows, by their path beside it: SVG as text, PNG as bytes. */
export type Assets = Map<string, string | Uint8Array>;

/** The options of {@link reportMarkdown}. */
export interface MarkdownOptions {
  /** Folder of the assets in links, relative to the document, for instance `report`. */
  folder: string;
}

/** A report as Markdown. */
export interface MarkdownReport {
  /** The document. */
  text: string;
  /** The files that it links to; the caller writes them. */
  assets: Assets;
}

const MARKS = { good: '', bad: '', strong: '**', soft: '' } as const;

/** Text that means itself in Markdown, also in a table. */
function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_[\]<>|]/g, (character) => (character === '<' ? '&lt;' : `\\${character}`))
    .replace(/\s*\n\s*/g, ' ');
}

function cellMarkdown(cell: Cell): string {
  if (typeof cell === 'string') return escapeMarkdown(cell);
  const mark = MARKS[cell.tone ?? 'soft'];
  return cell.text === '' ? '' : `${mark}${escapeMarkdown(cell.text)}${mark}`;
}

const slug = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 80);

/**
 * Renders sections as Markdown. Charts and images become assets, each under a name of its own; nothing is written.
 *
 * @throws RangeError for an unknown option, and for a section with an unknown kind or field, naming it
 */
export function reportMarkdown(sections: readonly Section[], options: MarkdownOptions): MarkdownReport {
  checkSections(sections);
  checkFields('options', options, ['folder']);
  const { folder } = options;
  checkText('options.folder', folder);
  const assets: Assets = new Map();
  const fileFor = (title: string, extension: string, bytes: string | Uint8Array) => {
    const stem = `${folder}/${slug(title)}`;
    let path = `${stem}.${extension}`;
    for (let i = 2; assets.has(path); i++) path = `${stem}-${i}.${extension}`;
    assets.set(path, bytes);
    return path;
  };
  const image = (title: string, path: string) => `![${escapeMarkdown(title)}](${path})`;
  const chart = ({ svg, title = 'chart', file = title, note }: Chart) =>
    image(title, fileFor(file, 'svg', chartFile(svg))) + (note ? `\n\n${escapeMarkdown(note)}` : '');

  const render = (section: Section, level: number): string => {
    const heading = section.title === undefined ? [] : [`${'#'.repeat(level)} ${escapeMarkdown(section.title)}`];
    const note = 'note' in section && section.note ? [escapeMarkdown(section.note)] : [];
    const whole = (...blocks: string[]) => [...heading, ...note, ...blocks].join('\n\n');
    switch (section.kind) {
      case 'text':
        return whole(...section.text.split('\n\n').map(escapeMarkdown));
      case 'list':
        return whole(section.items.map((item) => `- ${escapeMarkdown(item)}`).join('\n'));
      case 'table': {
        const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
        const rows = section.rows.map((row) => line(row.map(cellMarkdown)));
        const head = [line(section.header.map(escapeMarkdown)), line(section.header.map(() => '---'))];
        const table = [...head, ...rows].join('\n');
        return section.minor ? [`**${escapeMarkdown(section.title)}**`, table, ...note].join('\n\n') : whole(table);
      }
      case 'chart':
        return chart(section);
      case 'charts':
        return whole(...section.charts.map(chart));
      case 'image':
        return whole(image(section.title, fileFor(section.title, 'png', section.png)));
      case 'gallery': {
        const cells = section.images.map(({ title, file, note: below, png }) => {
          const path = fileFor(file ?? `${section.title} ${title}`, 'png', png);
          return `${image(title, path)}<br>${escapeMarkdown(title)}${below ? ` ${escapeMarkdown(below)}` : ''}`;
        });
        const width = 4;
        const lines = Array.from({ length: Math.ceil(cells.length / width) }, (_, row) =>
          Array.from({ length: width }, (_, i) => cells[row * width + i] ?? ''),
        );
        const empty = `|${'   |'.repeat(width)}`;
        return whole([empty, `|${' --- |'.repeat(width)}`, ...lines.map((row) => `| ${row.join(' | ')} |`)].join('\n'));
      }
      case 'image-table': {
        const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
        const picture = (name: string, column: string, png: Uint8Array | undefined) => {
          const title = `${section.title} ${name} ${column}`;
          return png === undefined ? '' : image(title, fileFor(title, 'png', png));
        };
        const rows = section.rows.map(({ name, images }) =>
          line([escapeMarkdown(name), ...images.map((png, i) => picture(name, section.header[i + 1], png))]),
        );
        return whole(
          [line(section.header.map(escapeMarkdown)), line(section.header.map(() => '---')), ...rows].join('\n'),
        );
      }
      case 'code':
        return whole(`\`\`\`\n${section.code.trimEnd()}\n\`\`\``);
      case 'details': {
        const inside = section.sections.map((part) => render(part, level + 1)).join('\n\n');
        const summary = escapeMarkdown(section.title);
        return `<details><summary>${summary}</summary>\n\n${inside}\n\n</details>`;
      }
    }
  };
  const text = sections.map((section) => render(section, 2)).join('\n\n');
  return { text, assets };
}

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { growthChart, ratioChart } from './charts';
import type { ResultRow, Results } from './result';
import { markdownHeader, markdownTables, notedRows } from './table';

const curves = ['tokens', 'width', 'groups', 'threads'];
const [start, end] = ['<!-- results -->', '<!-- /results -->'];

/** Puts generated text between the two marks of a document. Throws where they are missing. */
export function replaceResults(document: string, text: string): string {
  const [from, to] = [document.indexOf(start), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`document: expected ${start} ... ${end}, got neither`);
  return `${document.slice(0, from + start.length)}\n${text.trim()}\n${document.slice(to)}`;
}

/** Writes the tables into docs/benchmarks.md and the charts beside it. */
export async function writeReport(root: string, results: Results): Promise<void> {
  const assets = join(root, 'docs', 'assets');
  mkdirSync(assets, { recursive: true });
  const charts: string[] = [];
  const draw = async (file: string, title: string, svg: Promise<string>) => {
    writeFileSync(join(assets, file), `${await svg}\n`);
    charts.push(`![${title}](assets/${file})`);
  };
  const compared = results.rows.filter(isHeadline);
  if (compared.length > 0) await draw('benchmark-ratios.svg', 'Ratios to the peers', ratioChart(compared));
  for (const curve of curves) {
    const rows = results.rows.filter(({ name, section }) => section === 'Growth' && name.startsWith(`${curve} `));
    if (rows.length > 1) await draw(`benchmark-${curve}.svg`, `Time of a step by ${curve}`, growthChart(rows, curve));
  }
  const file = join(root, 'docs', 'benchmarks.md');
  const [ratios = '', ...growth] = charts;
  const text = [markdownHeader(results), ratios, markdownTables(notedRows(results)), growth.join('\n')].join('\n\n');
  writeFileSync(file, replaceResults(readFileSync(file, 'utf8'), text));
}

function isHeadline({ section, ratio, unit }: ResultRow): boolean {
  return ratio !== null && unit === undefined && !['Growth', 'Engines', 'Matrix products'].includes(section);
}

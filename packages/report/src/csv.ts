import { checkArray } from './check';

/** A cell of a CSV file; undefined leaves it empty. */
export type CsvCell = string | number | undefined;

/** Text of a cell, in quotes where it needs them. */
function cellText(cell: CsvCell): string {
  const text = cell === undefined ? '' : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Writes rows as CSV (RFC 4180): commas, lines that end with CRLF, quotes where a text has a comma, a quote or a line break.
 *
 * @param header Names of the columns.
 * @param rows As many cells each as there are columns.
 * @throws RangeError for a row of another length, naming it
 */
export function csv(header: readonly string[], rows: readonly (readonly CsvCell[])[]): string {
  checkArray('header', header, 1);
  checkArray('rows', rows);
  rows.forEach((row, i) => {
    checkArray(`rows[${i}]`, row);
    if (row.length === header.length) return;
    throw new RangeError(`rows[${i}]: expected ${header.length} cells, as the header has, got ${row.length}`);
  });
  return [header, ...rows].map((row) => `${row.map(cellText).join(',')}\r\n`).join('');
}

// The lines of the sources that ran in processes which the tests started.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodedMappings, TraceMap } from '@jridgewell/trace-mapping';

/** For every character of a script, whether a process ran it; an inner range overrules the one around it. */
function executed(length, ranges) {
  const ran = new Uint8Array(length);
  const sorted = ranges.toSorted((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
  for (const { startOffset, endOffset, count } of sorted) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return ran;
}

/** Adds the source lines that a built file's map gives for the characters that ran. */
function addLines(file, text, ran, lines) {
  const { sources, ...map } = JSON.parse(readFileSync(`${file}.map`, 'utf8'));
  const paths = sources.map((source) => resolve(dirname(file), source));
  let offset = 0;
  const starts = text.split('\n').map((line) => {
    const start = offset;
    offset += line.length + 1;
    return start;
  });
  for (const [row, segments] of decodedMappings(new TraceMap({ ...map, sources })).entries()) {
    for (const [column, source, line] of segments) {
      if (source === undefined || ran[starts[row] + column] === 0) continue;
      const path = paths[source];
      if (!lines.has(path)) lines.set(path, new Set());
      lines.get(path).add(line + 1);
    }
  }
}

/**
 * Reads what the processes wrote.
 *
 * @param folder where `child.mjs` wrote its files; may be missing
 * @returns by the path of a source, the lines (from 1) of which something ran
 */
export function executedLines(folder) {
  const byFile = new Map();
  const names = existsSync(folder) ? readdirSync(folder) : [];
  for (const name of names.filter((name) => name.endsWith('.json'))) {
    for (const { url, ranges } of JSON.parse(readFileSync(join(folder, name), 'utf8'))) {
      const file = fileURLToPath(url);
      if (!byFile.has(file)) byFile.set(file, { text: readFileSync(file, 'utf8'), ran: undefined });
      const entry = byFile.get(file);
      const ran = executed(entry.text.length, ranges);
      entry.ran = entry.ran === undefined ? ran : entry.ran.map((one, i) => one | ran[i]);
    }
  }
  const lines = new Map();
  for (const [file, { text, ran }] of byFile) addLines(file, text, ran, lines);
  return lines;
}

import { checkArray, checkBytes, checkFields, checkText, checkWord, shown } from './check';
import type { ImageTableRow, Section } from './sections';

type Check = (name: string, value: never) => void;

/** Throws unless each element of an array is what `check` expects. */
const each = (check: (name: string, value: never) => void): Check => {
  return (name: string, values: readonly unknown[]) => {
    checkArray(name, values);
    values.forEach((value, i) => {
      check(`${name}[${i}]`, value as never);
    });
  };
};

const flag: Check = (name, value) => checkWord(name, value, [true, false]);
const bytes: Check = checkBytes;
const text: Check = checkText;

/** Throws unless an object has the needed fields, and no other than those and the ones that may be left out. */
const fields = (needed: Record<string, Check>, optional: Record<string, Check>): Check => {
  return (name: string, value: Record<string, unknown>) => {
    checkFields(name, value, [...Object.keys(needed), ...Object.keys(optional)]);
    for (const [field, check] of Object.entries(needed)) check(`${name}.${field}`, value[field] as never);
    for (const [field, check] of Object.entries(optional)) {
      if (value[field] !== undefined) check(`${name}.${field}`, value[field] as never);
    }
  };
};

const tone: Check = (name, value) => checkWord(name, value, ['good', 'bad', 'strong', 'soft']);
const tonedCell: Check = (name, value) => fields({ text }, { tone })(name, value);
const cell: Check = (name, value: unknown) => {
  if (typeof value !== 'string') tonedCell(name, value as never);
};
const CHART = [{ svg: text }, { title: text, file: text, note: text }] as const;
const galleryImage: Check = (name, value) =>
  fields({ title: text, png: bytes }, { file: text, note: text })(name, value);

const maybeBytes: Check = (name, value: unknown) => {
  if (value !== undefined) checkBytes(name, value);
};
const imageRow: Check = (name, value) => fields({ name: text, images: each(maybeBytes) }, {})(name, value);

type Fields = readonly [needed: Record<string, Check>, optional: Record<string, Check>];

/** What each kind of section holds beside its kind; a function, so that a bundler can leave it out. */
const sectionFields = (): Record<Section['kind'], Fields> => ({
  text: [{ text }, { title: text }],
  list: [{ items: each(text) }, { title: text, note: text }],
  table: [
    { title: text, header: each(text), rows: each(each(cell)) },
    { note: text, minor: flag },
  ],
  chart: CHART,
  charts: [{ charts: each(fields(...CHART)) }, { title: text, note: text }],
  image: [
    { title: text, png: bytes },
    { note: text, rowNames: each(text) },
  ],
  gallery: [{ title: text, images: each(galleryImage) }, { note: text }],
  'image-table': [{ title: text, header: each(text), rows: each(imageRow) }, { note: text }],
  code: [{ code: text }, { title: text, note: text }],
  details: [{ title: text, sections: (name, value: unknown) => checkSections(value as Section[], name) }, {}],
});

const rowLength = ({ images }: ImageTableRow) => 1 + images.length;

function checkSection(name: string, section: Section): void {
  const known = sectionFields();
  const kinds = Object.keys(known);
  if (typeof section !== 'object' || section === null) {
    throw new RangeError(`${name}: expected a section, got ${shown(section)}`);
  }
  if (!kinds.includes(section.kind)) {
    throw new RangeError(`${name}.kind: expected one of ${kinds.join(', ')}, got ${shown(section.kind)}`);
  }
  const [needed, optional] = known[section.kind];
  fields({ kind: text, ...needed }, optional)(name, section as never);
  if (section.kind !== 'table' && section.kind !== 'image-table') return;
  const columns = section.header.length;
  const lengths = section.kind === 'table' ? section.rows.map((row) => row.length) : section.rows.map(rowLength);
  const wide = lengths.findIndex((length) => length > columns);
  if (wide === -1) return;
  const cells = lengths[wide];
  throw new RangeError(`${name}.rows[${wide}]: expected at most ${columns} cells, as the header has, got ${cells}`);
}

/**
 * Checks the sections of a report.
 *
 * @throws RangeError for an unknown kind or field, a value of another type than its field's, and a row of a table with
 *   more cells than the header; the message names it
 */
export function checkSections(sections: readonly Section[], name = 'sections'): void {
  checkArray(name, sections);
  sections.forEach((section, i) => {
    checkSection(`${name}[${i}]`, section);
  });
}

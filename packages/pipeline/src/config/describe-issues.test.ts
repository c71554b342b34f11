import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { describeIssues, unknownKey } from './describe-issues';
import { parseAssignment, parseConfig } from './load';
import { configSchema } from './schema';

/** The fields of a section of the schema. */
function fieldsOf(schema: unknown): string[] {
  let inner = schema;
  while (inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) inner = inner.def.innerType;
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

const sections = Object.entries(configSchema().shape).flatMap(([section, schema]) =>
  fieldsOf(schema).map((field) => [section, field] as const),
);

describe('every field of every section is found by a misspelling', () => {
  test('of all sections', () => {
    expect(new Set(sections.map(([section]) => section)).size).toBe(7);
    expect(sections.length).toBeGreaterThan(60);
  });

  // Each is nearer to its field than to any other.
  const slips: Record<string, (field: string) => string> = {
    'the first letter is missing': (field) => field.slice(1),
    'a letter stands twice': (field) => field + field.slice(-1),
    'the case is wrong': (field) => field.toUpperCase(),
  };
  test.each(Object.entries(slips))('%s', (_, slip) => {
    for (const [section, field] of sections) {
      const wrong = slip(field);
      const hint = `unknown key ${section}.${wrong}; did you mean ${section}.${field}?`;
      expect(() => parseConfig({ [section]: { [wrong]: 1 } }, 'here')).toThrow(hint);
      expect(() => parseConfig(parseAssignment(`${section}.${wrong}=1`), 'options')).toThrow(hint);
    }
  });
});

const schema = z.strictObject({
  steps: z.number().default(3),
  tasks: z.record(z.string(), z.strictObject({ dataset: z.string(), inner: z.strictObject({ width: z.number() }) })),
  sweeps: z.array(z.strictObject({ methods: z.array(z.enum(['kind', 'lora'])).optional() })).prefault([]),
  place: z.union([z.string(), z.strictObject({ folder: z.string() })]).optional(),
  nothing: z.strictObject({ deep: z.strictObject({ deeper: z.number().nullable() }).nullable() }).optional(),
});
const good = { tasks: { a: { dataset: 'x', inner: { width: 1 } } } };

test.each<[string, unknown, string]>([
  ['at the top', { ...good, stps: 1 }, 'unknown key stps; did you mean steps?'],
  [
    'in a record',
    { tasks: { a: { ...good.tasks.a, datset: 'x' } } },
    'unknown key tasks.a.datset; did you mean tasks.a.dataset?',
  ],
  [
    'three levels deep',
    { tasks: { a: { dataset: 'x', inner: { width: 1, widht: 2 } } } },
    'unknown key tasks.a.inner.widht; did you mean tasks.a.inner.width?',
  ],
  [
    'in an array',
    { ...good, sweeps: [{}, { method: [] }] },
    'unknown key sweeps.1.method; did you mean sweeps.1.methods?',
  ],
  [
    'in what may be null',
    { ...good, nothing: { deep: { deepr: 1, deeper: 1 } } },
    'unknown key nothing.deep.deepr; did you mean nothing.deep.deeper?',
  ],
  [
    'that is near none',
    { ...good, sweeps: [{ banana: 1 }] },
    'unknown key sweeps.0.banana; expected one of sweeps.0.methods',
  ],
  ['two of them', { ...good, stps: 1, tsks: 1 }, 'did you mean steps?; unknown key tsks; did you mean tasks?'],
  [
    'a word in an array',
    { ...good, sweeps: [{ methods: ['kind', 'lorra'] }] },
    'sweeps.0.methods.1: Invalid option: expected one of "kind"|"lora", got "lorra"; did you mean lora?',
  ],
  ['a word that is near none', { ...good, sweeps: [{ methods: ['banana'] }] }, ', got "banana"'],
  ['no object', 3, 'plan: Invalid input'],
])('a wrong key or word %s', (_, value, message) => {
  const { error } = schema.safeParse(value);
  expect(describeIssues(error?.issues ?? [], { schema, value, root: 'plan' })).toContain(message);
});

test('fields besides those of the schema are among the near ones', () => {
  const context = { schema, value: undefined, moreFields: () => ['latentChannels'] };
  expect(unknownKey(['nothing'], 'latentChanels', context)).toBe(
    'unknown key nothing.latentChanels; did you mean nothing.latentChannels?',
  );
});

test.each([
  ['diffusion.process=flwo', 'got "flwo"; did you mean flow?'],
  ['sampling.sampler=eulr', 'got "eulr"; did you mean euler?'],
  ['training.decay=Cosine', 'got "Cosine"; did you mean cosine?'],
])('%s names the word that is near', (assignment, message) => {
  expect(() => parseConfig(parseAssignment(assignment), 'options')).toThrow(message);
});

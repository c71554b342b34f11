import * as z from 'zod';
import { nearestWord } from '../nearest-word';

/** What {@link describeIssues} describes. */
export interface IssueContext {
  /** The schema that the value does not fit. */
  readonly schema: z.core.$ZodType;
  /** The value. */
  readonly value: unknown;
  /** What messages call the value itself (default `config`). */
  readonly root?: string;
  /** Fields at a path besides those of the schema, whose object takes others too (default: none). */
  readonly moreFields?: (path: readonly PropertyKey[]) => readonly string[];
}

/**
 * The issues of a parsed value in words: an unknown key with a right one that is near, at whatever depth, or with all that there
 * are; a word that is none of those expected with the one that is near.
 */
export function describeIssues(issues: readonly z.core.$ZodIssue[], context: IssueContext): string {
  return issues.map((issue) => describeIssue(issue, context)).join('; ');
}

function describeIssue(issue: z.core.$ZodIssue, context: IssueContext): string {
  const { value, root = 'config' } = context;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(issue.path, key, context)).join('; ');
  }
  const where = nameOf(issue.path);
  const hint = issue.code === 'invalid_value' ? nearValue(valueAt(value, issue.path), issue.values) : '';
  return `${where === '' ? root : where}: ${issue.message}${hint}`;
}

/**
 * The sentence on a key that an object does not take.
 *
 * @param path - of the object.
 */
export function unknownKey(path: readonly PropertyKey[], key: string, context: IssueContext): string {
  const known = candidates(path, key, context);
  const keys = known.map((other) => other.slice(other.lastIndexOf('.') + 1));
  const nearest = nearestWord(key, keys);
  const name = nameOf([...path, key]);
  if (nearest === undefined) return `unknown key ${name}; expected one of ${known.join(', ')}`;
  return `unknown key ${name}; did you mean ${known[keys.indexOf(nearest)]}?`;
}

const nameOf = (path: readonly PropertyKey[]) => path.map(String).join('.');

/** Full names that a wrong key may stand for: the same key in another section, else its neighbours. */
function candidates(path: readonly PropertyKey[], key: string, { schema, moreFields }: IssueContext): string[] {
  const sections = Object.entries(fieldsAt(schema, []));
  const elsewhere = sections.flatMap(([section, inner]) =>
    Object.hasOwn(fieldsAt(inner, []), key) ? [`${section}.${key}`] : [],
  );
  if (elsewhere.length > 0) return elsewhere;
  const names = [...Object.keys(fieldsAt(schema, path)), ...(moreFields?.(path) ?? [])];
  return [...new Set(names)].map((name) => nameOf([...path, name]));
}

/** The fields of the object at a path of a schema; none where there is no object with fields of its own. */
function fieldsAt(schema: unknown, path: readonly PropertyKey[]): Record<string, unknown> {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodUnion) {
    const found = inner.options.map((option) => fieldsAt(option, path));
    return Object.assign({}, ...found);
  }
  const [part, ...rest] = path;
  if (inner instanceof z.ZodObject) {
    if (part === undefined) return inner.shape;
    return Object.hasOwn(inner.shape, part) ? fieldsAt(inner.shape[String(part)], rest) : {};
  }
  if (part === undefined) return {};
  if (inner instanceof z.ZodRecord) return fieldsAt(inner.valueType, rest);
  if (inner instanceof z.ZodArray) return fieldsAt(inner.element, rest);
  return {};
}

/** A schema without what only fills in a value where there is none. */
function unwrapped(schema: unknown): unknown {
  let inner = schema;
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable
  ) {
    inner = inner.def.innerType;
  }
  return inner;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, part) => (at as Record<PropertyKey, unknown> | null | undefined)?.[part], value);
}

/** The word of several that a wrong one may stand for, as the end of a sentence. */
function nearValue(came: unknown, expected: readonly unknown[]): string {
  if (typeof came !== 'string') return '';
  const words = expected.filter((word) => typeof word === 'string');
  const nearest = nearestWord(came, words);
  return nearest === undefined
    ? `, got ${JSON.stringify(came)}`
    : `, got ${JSON.stringify(came)}; did you mean ${nearest}?`;
}

/** A part of a JSON schema, as far as {@link configKeys} reads it. */
export interface JsonSchema {
  /** The kind of value. */
  readonly type?: string;
  /** What it means. */
  readonly description?: string;
  /** The value where it is left out. */
  readonly default?: unknown;
  /** The values that it takes. */
  readonly enum?: readonly unknown[];
  /** The one value that it takes. */
  readonly const?: unknown;
  /** The least number. */
  readonly minimum?: number;
  /** The largest number. */
  readonly maximum?: number;
  /** The number that it lies above. */
  readonly exclusiveMinimum?: number;
  /** The number that it lies below. */
  readonly exclusiveMaximum?: number;
  /** The form of a text, a regular expression. */
  readonly pattern?: string;
  /** Schemas of which one fits. */
  readonly anyOf?: readonly JsonSchema[];
  /** The schema of the elements of a list. */
  readonly items?: JsonSchema;
  /** The schemas of the fields of an object. */
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  /** The fields that an object must have. */
  readonly required?: readonly string[];
  /** Whether an object takes other fields, or their schema. */
  readonly additionalProperties?: boolean | JsonSchema;
}

/** A key of a configuration. */
export interface ConfigKey {
  /** Its full name, as `training.steps`. */
  key: string;
  /** What it means. */
  meaning: string;
  /** The values that it takes, in words; a section has none. */
  range?: string;
  /** The value where it is left out; absent where there is none, or where other keys decide it. */
  default?: unknown;
}

/** Every key of a JSON schema of a configuration: sections first, each followed by its keys. */
export function configKeys(schema: JsonSchema, path = ''): ConfigKey[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const key = path === '' ? name : `${path}.${name}`;
    const meaning = inner.description ?? '';
    if (inner.properties !== undefined) return [{ key, meaning }, ...configKeys(inner, key)];
    const own = { key, meaning, range: rangeWords(inner) };
    return [inner.default === undefined ? own : { ...own, default: inner.default }];
  });
}

/** The values that a schema takes, in words. */
function rangeWords(schema: JsonSchema): string {
  const { type, anyOf, items, additionalProperties, pattern } = schema;
  if (anyOf !== undefined) return anyOf.map(rangeWords).join(', or ');
  if (schema.enum !== undefined) return schema.enum.map(String).join(' | ');
  if (schema.const !== undefined) return String(schema.const);
  switch (type) {
    case 'boolean':
      return 'true | false';
    case 'integer':
      return `whole number${limits(schema)}`;
    case 'number':
      return `number${limits(schema)}`;
    case 'string':
      return pattern === undefined ? 'text' : `text of the form ${pattern}`;
    case 'array':
      return items === undefined ? 'list' : `list of ${rangeWords(items)}`;
    case 'object':
      if (schema.properties !== undefined) return fieldWords(schema);
      return `{ name: ${typeof additionalProperties === 'object' ? rangeWords(additionalProperties) : 'any'}, ... }`;
    default:
      return 'any';
  }
}

/** The fields of an object, with ? behind those that may be left out. */
function fieldWords({ properties = {}, required = [] }: JsonSchema): string {
  const fields = Object.entries(properties).map(
    ([name, inner]) => `${name}${required.includes(name) ? '' : '?'}: ${rangeWords(inner)}`,
  );
  return `{ ${fields.join(', ')} }`;
}

/** The limits of a number; those that only say that JavaScript holds it exactly are left out. */
function limits({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  const most = Number.MAX_SAFE_INTEGER;
  const low =
    exclusiveMinimum !== undefined
      ? `above ${exclusiveMinimum}`
      : minimum !== undefined && minimum > -most
        ? `at least ${minimum}`
        : '';
  const high =
    exclusiveMaximum !== undefined
      ? `below ${exclusiveMaximum}`
      : maximum !== undefined && maximum < most
        ? `at most ${maximum}`
        : '';
  const both = [low, high].filter((text) => text !== '');
  return both.length === 0 ? '' : `, ${both.join(' and ')}`;
}

/** Keys as rows of a name and a text; each key has a second row with its range and its default. */
export function configKeyRows(keys: readonly ConfigKey[]): [name: string, text: string][] {
  return keys.flatMap((entry): [string, string][] => {
    const { key, meaning, range } = entry;
    if (range === undefined) return [[key, meaning]];
    const given = 'default' in entry ? `; default ${JSON.stringify(entry.default)}` : '';
    return [
      [key, meaning],
      ['', `  ${range}${given}`],
    ];
  });
}

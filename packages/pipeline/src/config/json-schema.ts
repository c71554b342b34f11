import * as z from 'zod';
import type { JsonSchema } from './config-keys';
import { configSchema } from './schema';

/**
 * A schema of a configuration as a JSON schema (draft 7, which editors know best): what may be written, with nothing needed that
 * has a default.
 *
 * @param title What editors call it.
 */
export function jsonSchemaOf(schema: z.ZodType, title: string): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  const properties = {
    $schema: { type: 'string', description: 'the JSON schema by which an editor checks this file; it changes nothing' },
    ...rest.properties,
  };
  return { $schema, title, ...rest, properties } as JsonSchema;
}

/** The JSON schema of the configuration of `learngene train` and `learngene transfer`. */
export function configJsonSchema(): JsonSchema {
  return jsonSchemaOf(configSchema(), 'Configuration of a training');
}

/**
 * Throws where an argument is no object or lacks a field that is needed. Without types it would fail later, by a name of the
 * inside.
 *
 * @param of - name of the function, with which the message begins
 * @param argument - name of the argument
 * @throws Error naming the argument or its field
 */
export function checkGiven(of: string, argument: string, value: unknown, fields: readonly string[] = []): void {
  if (typeof value !== 'object' || value === null) {
    throw new Error(`${of}: ${argument}: expected an object, got ${value}`);
  }
  const missing = fields.find((field) => (value as Record<string, unknown>)[field] == null);
  if (missing !== undefined) throw new Error(`${of}: ${argument}.${missing}: missing`);
}

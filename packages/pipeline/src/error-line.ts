/**
 * One clear line for an error, with the causes that say more.
 *
 * @param textOf What each error and cause says (default: its message, or its name where that is empty).
 */
export function errorLine(error: unknown, textOf: (error: unknown) => string = messageOf): string {
  const parts: string[] = [];
  let next: unknown = error;
  for (let depth = 0; depth < 4 && next !== undefined; depth++) {
    const text = textOf(next).trim();
    const code = (next as { code?: unknown } | null)?.code;
    const said = (part: string): boolean =>
      part.includes(text) || (typeof code === 'string' && part.includes(`(${code})`));
    if (!parts.some(said)) parts.push(text);
    next = next instanceof Error ? next.cause : undefined;
  }
  return parts.join(': ').replace(/\s*\n\s*/g, ' ');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

import { printable, systemReason } from '@learngene/tensor-io';

/**
 * One clear line for an error, with the causes that say more; no line of a cause is said twice, and no control character is in it.
 *
 * @param textOf What each error and cause says (default: its message, or its name where that is empty).
 */
export function errorLine(error: unknown, textOf: (error: unknown) => string = messageOf): string {
  const parts: string[] = [];
  let next: unknown = error;
  for (let depth = 0; depth < 4 && next !== undefined; depth++) {
    const code = (next as { code?: unknown } | null)?.code;
    const wasSaid = typeof code === 'string' && parts.some((part) => part.includes(`(${code})`));
    const text = wasSaid ? '' : unsaid(systemText(next, depth === 0) ?? textOf(next), parts);
    if (text !== '') parts.push(text);
    next = next instanceof Error ? next.cause : undefined;
  }
  return printable(parts.join(': '));
}

/** What an error of the system says in words, with the path where it is the first that is said; undefined for another error. */
function systemText(error: unknown, isFirst: boolean): string | undefined {
  const { syscall, path } = (error ?? {}) as { syscall?: unknown; path?: unknown };
  const reason = syscall === undefined ? undefined : systemReason(error);
  return reason !== undefined && isFirst && typeof path === 'string' ? `${path}: ${reason}` : reason;
}

/** The lines of a text whose parts between colons were not all said, each once, as one line. */
function unsaid(text: string, parts: readonly string[]): string {
  const lines = text.split('\n').map((line) => line.trim());
  const isSaid = (words: string) => parts.some((part) => part.includes(words));
  return lines
    .filter((line, i) => line !== '' && lines.indexOf(line) === i && !line.split(': ').every(isSaid))
    .join(' ');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

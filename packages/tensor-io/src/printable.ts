/** Control characters, which move the cursor or colour a terminal, and marks that turn the direction of text. */
const UNPRINTABLE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A text of a stranger's file as a terminal may show it: control characters as `\u001b`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Whether a terminal may show a text as it is: no control character is in it, and no mark that turns its direction. */
export function isPrintable(text: string): boolean {
  return printable(text) === text;
}

// Reads what a command prints for --help.

/** The terms of a list (`  --flag <x>   text`), with the lines that a long text goes on in. */
function terms(lines) {
  const found = [];
  for (const line of lines) {
    const [, term, text = ''] = /^ {2}(\S.*?)(?: {2,}(.*))?$/.exec(line) ?? [];
    if (term !== undefined) found.push({ term, text });
    else if (found.length > 0) found.at(-1).text = `${found.at(-1).text} ${line.trim()}`.trim();
  }
  return found;
}

/**
 * Reads a help text.
 *
 * @returns the usage, the description without its full stop, and the lists by their titles; examples are whole lines
 */
export function parseHelp(help) {
  const blocks = help.trim().split(/\n\n+/);
  const usage = blocks[0].replace(/^Usage: /, '');
  const parts = {};
  const prose = [];
  for (const block of blocks.slice(1)) {
    const [title, ...lines] = block.split('\n');
    if (!/^[A-Z]\w+:$/.test(title)) prose.push(block.replace(/\s+/g, ' '));
    else if (title === 'Examples:') parts.Examples = lines.map((line) => line.trim().replace(/^\$ /, ''));
    else parts[title.slice(0, -1)] = terms(lines);
  }
  return { usage, description: prose.join(' ').replace(/\.$/, ''), parts };
}

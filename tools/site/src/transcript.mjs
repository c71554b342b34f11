// Commands of a page with what they print:
//
//   ```console
//   $ learngene doctor
//   cpu: plain JavaScript
//   ```
//
// In a block ```console fails every command ends with an error; what those of ```console varies print depends on the machine
// and is not compared. A comment `<!-- from: both.png -->` on the line before a picture says which file of the session it is,
// and `<!-- photos: photos owl=animal-bird -->` makes a folder of images with a folder a class, of emoji of a kind.
const BLOCK = /^```console( fails| varies)?\n([\s\S]*?)^```$/gm;

/** The commands of a block; a line that ends with `\` goes on in the next. */
function commandsOf(body) {
  const found = [];
  let open = false;
  for (const text of body.replace(/\n$/, '').split('\n')) {
    if (text.startsWith('$ ')) found.push({ line: text.slice(2), expected: [] });
    else if (open) found.at(-1).line += `\n${text}`;
    else if (found.length > 0) found.at(-1).expected.push(text);
    else throw new Error(`a console block begins with ${JSON.stringify(text)}, expected a line with $`);
    open = (text.startsWith('$ ') || open) && text.endsWith('\\');
  }
  return found.map(({ line, expected }) => ({ line, expected: expected.join('\n').trimEnd() }));
}

/** All commands of a page, in order, with what the page says they print. */
export function sessions(page) {
  return [...page.matchAll(BLOCK)].flatMap(([, word, body]) =>
    commandsOf(body).map((command) => ({ ...command, fails: word === ' fails', varies: word === ' varies' })),
  );
}

/** The pictures of a page that a session writes. */
export function pictures(page) {
  const found = page.matchAll(/<!-- from: (\S+) -->\s*!\[[^\]]*\]\(([^)]+)\)/g);
  return [...found].map(([, from, to]) => ({ from, to }));
}

/** The folders of images that a page begins with: emoji of a kind by the name of a class. */
export function photoFolders(page) {
  return [...page.matchAll(/<!-- photos: (\S+) (.+?) -->/g)].map(([, folder, classes]) => ({
    folder,
    classes: Object.fromEntries(classes.split(' ').map((pair) => pair.split('='))),
  }));
}

/** What a line of progress is about; undefined for other lines. A terminal shows the last of them in the place of the others. */
const progressOf = (line) => /^([A-Z][\w ]+): \d+\/\d+ /.exec(line)?.[1];

/** What of a line may not differ from run to run: numbers and durations are one sign each. */
function form(line) {
  return line
    .replace(/\b[0-9a-f]{12,64}\b/g, '#')
    .replace(/\d[\d,]*(\.\d+)?(e[+-]?\d+)?/gi, '#')
    .replace(/#( (?:ms|s|min|h)\b)( # (?:ms|s|min|h)\b)*/g, '# s')
    .replace(/#:#/g, '# s')
    .replace(/# [kMG]?i?B\b/g, '# B')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Lines that say which machine this is, or how fast it is. */
const isOfMachine = (line) => /^(Engine: |About \d)/.test(line);

/**
 * An output as a page shows it: of the lines of one progress the last, as a terminal does. Where two progresses take turns, the
 * last line of each stays.
 */
export function asShown(printed) {
  const lines = printed
    .replace(/\s+$/, '')
    .split('\n')
    .map((line) => line.replace(/.*\r/, '').trimEnd());
  const shown = [];
  const following = new Set(); // progresses in the run of progress lines that follows
  for (const line of lines.reverse()) {
    const progress = progressOf(line);
    if (progress === undefined && !isOfMachine(line)) following.clear();
    if (progress === undefined || !following.has(progress)) shown.push(line);
    if (progress !== undefined) following.add(progress);
  }
  return shown.reverse().join('\n');
}

/**
 * Whether two outputs, as a page shows them, say the same but for numbers. Lines of progress are left out: how many there are,
 * and where, goes by the clock.
 */
export function sameOutput(one, other) {
  const forms = (text) =>
    text
      .split('\n')
      .filter((line) => !isOfMachine(line) && progressOf(line) === undefined)
      .map(form);
  return JSON.stringify(forms(one)) === JSON.stringify(forms(other));
}

/** The page with these outputs, one a command. */
export function withOutputs(page, outputs) {
  let next = 0;
  return page.replace(BLOCK, (_, word = '', body) => {
    const commands = commandsOf(body).map(({ line }) => {
      const output = outputs[next++];
      return `$ ${line}\n${output === '' ? '' : `${output}\n`}`;
    });
    return `\`\`\`console${word}\n${commands.join('')}\`\`\``;
  });
}

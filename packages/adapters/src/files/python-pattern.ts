/** Characters that, after a backslash, mean the same in Python and JavaScript for names of ASCII letters. */
const SAME_ESCAPES = 'dDwWsSnrtfv';
const SYNTAX = '^$\\.*+?()[]{}|/';

/** An item of a pattern and how many characters of the source it took. */
interface Item {
  readonly own: string;
  readonly length: number;
}

const refuse = (what: string): never => {
  throw new Error(`${what} is not read here`);
};

const literal = (char: string): string => (SYNTAX.includes(char) ? `\\${char}` : char);

/**
 * Translates a regular expression of Python's `re` to the source of a JavaScript one (flag `u`) that matches the same
 * names. Syntax that JavaScript lacks, or reads otherwise, is an error that names it: flags, atomic groups and
 * possessive quantifiers, conditions, references to groups (an unmatched group is empty in JavaScript and fails in
 * Python), octal escapes, `\N` and `\U`, and look-behinds other than of plain characters. `$`, `.`, `\d`, `\w` and `\s`
 * differ only for line breaks and letters beyond ASCII, which names do not hold.
 */
export function pythonPattern(source: string): string {
  let own = '';
  let depth = 0;
  for (let at = 0; at < source.length; ) {
    const item = nextItem(source, at);
    if (item.own.startsWith('(')) depth++;
    if (item.own === ')' && --depth < 0) refuse("')' without '('");
    own += item.own;
    at += item.length;
  }
  if (depth > 0) refuse("'(' without ')'");
  return own;
}

function nextItem(source: string, at: number): Item {
  const char = String.fromCodePoint(source.codePointAt(at)!);
  switch (char) {
    case '\\':
      return escaped(source, at, false);
    case '[':
      return charactersOf(source, at);
    case '(':
      return opened(source, at);
    case '*':
    case '+':
    case '?':
      return quantified(source, { own: char, length: 1 }, at);
    case '{': {
      const found = /^\{(?:(\d+)|(\d*),(\d*))\}/.exec(source.slice(at));
      if (!found) return { own: '\\{', length: 1 };
      const [whole, count, least, most] = found;
      const own = count === undefined ? `{${least || '0'},${most}}` : `{${count}}`;
      return quantified(source, { own, length: whole.length }, at);
    }
    case ')':
    case '|':
    case '^':
    case '$':
    case '.':
      return { own: char, length: 1 };
    default:
      return { own: literal(char), length: char.length };
  }
}

function quantified(source: string, item: Item, at: number): Item {
  if (source[at + item.length] === '+') refuse(`the possessive quantifier ${item.own}+`);
  return item;
}

function opened(source: string, at: number): Item {
  if (source[at + 1] !== '?') return { own: '(', length: 1 };
  const rest = source.slice(at);
  const comment = /^\(\?#[^)]*\)/.exec(rest);
  if (comment) return { own: '', length: comment[0].length };
  const plain = /^\(\?(?:[:=!]|<[=!](?=[^*+?{|()]*\)))/.exec(rest);
  if (plain) return { own: plain[0], length: plain[0].length };
  const named = /^\(\?P(<[A-Za-z_]\w*>)/.exec(rest);
  if (named) return { own: `(?${named[1]}`, length: named[0].length };
  return refuse(`the group ${rest.slice(0, 5)}`);
}

function escaped(source: string, at: number, isInClass: boolean): Item {
  const code = source.codePointAt(at + 1);
  if (code === undefined) return refuse('a last \\');
  const char = String.fromCodePoint(code);
  const own = `\\${char}`;
  if (SAME_ESCAPES.includes(char) || char === 'b' || (char === 'B' && !isInClass)) return { own, length: 2 };
  if (char === 'a') return { own: '\\x07', length: 2 };
  if (char === 'A' && !isInClass) return { own: '^', length: 2 };
  if (char === 'Z' && !isInClass) return { own: '$', length: 2 };
  const hex = /^\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4})/.exec(source.slice(at));
  if (hex) return { own: hex[0], length: hex[0].length };
  if (/[A-Za-z\d]/.test(char)) return refuse(`the escape ${own}`);
  return { own: isInClass ? classLiteral(char) : literal(char), length: 1 + char.length };
}

const classLiteral = (char: string): string => ('^-]['.includes(char) || char === '\\' ? `\\${char}` : char);

/** A set of characters: a `]` that stands first is one of them. */
function charactersOf(source: string, start: number): Item {
  const isNegated = source[start + 1] === '^';
  const first = start + (isNegated ? 2 : 1);
  let own = isNegated ? '[^' : '[';
  const one = (at: number): Item => {
    const code = source.codePointAt(at);
    if (code === undefined) return refuse("'[' without ']'");
    const char = String.fromCodePoint(code);
    return char === '\\' ? escaped(source, at, true) : { own: classLiteral(char), length: char.length };
  };
  let at = first;
  while (source[at] !== ']' || at === first) {
    const from = one(at);
    at += from.length;
    own += from.own;
    if (source[at] !== '-' || source[at + 1] === ']') continue;
    const to = one(at + 1);
    own += `-${to.own}`;
    at += 1 + to.length;
  }
  return { own: `${own}]`, length: at + 1 - start };
}

// Plurals in what is printed: 'counted' of @learngene/pipeline writes "1 image" and "2 images".
import ts from 'typescript';
import { isSource, isTest } from './sources.mjs';

/** Who prints for people, and may import `counted`. */
const PRINTING = /^(packages\/(pipeline|trainer|transfer-benchmark)|apps\/cli)\/src\//;

const NOUNS =
  'classes crops epochs files folders groups images jobs learngenes numbers parameters photos rows runs samples ' +
  'seeds shards steps tailors tasks tensors threads trials views';

/** A text behind a hole that begins with the plural of what is counted. */
const PLURAL = new RegExp(`^ (${NOUNS.split(' ').join('|')})\\b`);

/** Holes that hold no count: a constant (never 1), a range, a column, a speed, or a word. */
const NO_COUNT = /^[A-Z_]+$|^range\(|\.padStart\(|PerSecond\b|\(1 \/ |^(words|part)$/;

/** Finds numbers with a plural in texts of `path`; a refusal says what was expected, whatever the number. */
function pluralsOf(path, source) {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest);
  const found = [];
  const visit = (node) => {
    if (ts.isTemplateExpression(node) && !/\bexpected\b/.test(node.getText(file))) {
      for (const { expression, literal } of node.templateSpans) {
        const noun = PLURAL.exec(literal.text)?.[1];
        const hole = expression.getText(file);
        if (noun === undefined || NO_COUNT.test(hole)) continue;
        const { line } = file.getLineAndCharacterOfPosition(expression.getStart(file));
        found.push(`${path}:${line + 1} says \${${hole}} ${noun}: counted() of @learngene/pipeline knows 1`);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** Finds texts that would say "1 images". */
export function plurals(workspace) {
  return workspace.files
    .filter((path) => PRINTING.test(path) && isSource(path) && !isTest(path))
    .flatMap((path) => pluralsOf(path, workspace.text(path)));
}

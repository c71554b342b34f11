import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { shippedSources } from './shipped-sources';

const UPPER_CASE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;

const LITERALS = new Set([
  ts.SyntaxKind.NumericLiteral,
  ts.SyntaxKind.BigIntLiteral,
  ts.SyntaxKind.StringLiteral,
  ts.SyntaxKind.NoSubstitutionTemplateLiteral,
  ts.SyntaxKind.RegularExpressionLiteral,
  ts.SyntaxKind.TrueKeyword,
  ts.SyntaxKind.FalseKeyword,
  ts.SyntaxKind.NullKeyword,
]);

/** Whether a value is written out in full: numbers, words, and lists and tables of them, but no function or call. */
function isFixed(e: ts.Expression): boolean {
  if (ts.isAsExpression(e) || ts.isSatisfiesExpression(e) || ts.isParenthesizedExpression(e)) {
    return isFixed(e.expression);
  }
  if (LITERALS.has(e.kind)) return true;
  if (ts.isIdentifier(e)) return UPPER_CASE.test(e.text);
  if (ts.isPrefixUnaryExpression(e)) return isFixed(e.operand);
  if (ts.isBinaryExpression(e)) return isFixed(e.left) && isFixed(e.right);
  if (ts.isArrayLiteralExpression(e)) {
    return e.elements.length > 0 && e.elements.every((x) => isFixed(ts.isSpreadElement(x) ? x.expression : x));
  }
  if (ts.isObjectLiteralExpression(e)) {
    return e.properties.length > 0 && e.properties.every((p) => ts.isPropertyAssignment(p) && isFixed(p.initializer));
  }
  if (ts.isNewExpression(e)) {
    return /^(Set|Map)$/.test(e.expression.getText()) && e.arguments?.length === 1 && isFixed(e.arguments[0]);
  }
  return false;
}

/** The names at module level that hold a fixed value and are not in UPPER_CASE. */
function misnamed(path: string, text: string): string[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return file.statements
    .filter(ts.isVariableStatement)
    .filter(({ declarationList }) => declarationList.flags & ts.NodeFlags.Const)
    .flatMap(({ declarationList }) => [...declarationList.declarations])
    .filter(({ name, initializer }) => ts.isIdentifier(name) && initializer !== undefined && isFixed(initializer))
    .map(({ name }) => name.getText())
    .filter((name) => !UPPER_CASE.test(name));
}

/** The docstrings that say in a later sentence what is thrown, in place of `@throws`. */
function untagged(text: string): string[] {
  const docs = [...text.matchAll(/\/\*\*([\s\S]*?)\*\//g)].map(([, doc]) => doc.replace(/\s*\n\s*\*\s?/g, ' ').trim());
  return docs.filter((doc) => /[.)`]\s+Throws [a-zA-Z{]/.test(doc));
}

describe('one dialect (see CONTRIBUTING.md)', () => {
  test('fixed values at module level are in UPPER_CASE', () => {
    const found = shippedSources().flatMap(([path, text]) => misnamed(path, text).map((name) => `${path}: ${name}`));
    expect(found).toEqual([]);
  });

  test('what a function throws has a tag of its own', () => {
    const found = shippedSources().flatMap(([path, text]) => untagged(text).map((doc) => `${path}: ${doc}`));
    expect(found).toEqual([]);
  });

  test('a fixed value, and what is none', () => {
    const text = `
      const limit = 2 ** 20;
      const names = ['a', 'b'] as const;
      const sizes = new Map([['a', 1]]);
      const table = { a: [1], b: { c: /x/ } };
      const LIMIT = 3;
      const twice = LIMIT * 2;
      const cache = new Map();
      const functions = { a: () => 1 };
      const computed = Math.sqrt(2);
      const waiting = [];
      let place = 1;`;
    expect(misnamed('x.ts', text)).toEqual(['limit', 'names', 'sizes', 'table', 'twice']);
  });

  test('a sentence on what is thrown, and what is none', () => {
    expect(untagged('/** Reads it. Throws RangeError for less. */')).toHaveLength(1);
    expect(untagged('/**\n * Reads it.\n * Throws where it is not there.\n */')).toHaveLength(1);
    expect(untagged('/** Throws unless it is there. */ /** Reads.\n *\n * @throws RangeError for less */')).toEqual([]);
  });
});

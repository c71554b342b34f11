// Options of the command in what packages say: a package names arguments, fields and files.
import ts from 'typescript';
import { isSource, isTest } from './sources.mjs';

/** An option as it stands on a command line: `--data-path`, and `--set` in `(--set a=b)`. */
const OPTION = /(^|[\s'"`(])--[a-z][a-z-]+/;

/** Sources whose texts may hold options, each with the reason. */
const withOptions = {
  'packages/engines/src/node/install-command.ts': 'options of npm and pnpm in the command that installs a package',
  'packages/engines/src/node/tensorflow-package.ts': "options of tfjs-node's own build script",
  'packages/engines/src/node/tensorflow.ts': "options of tfjs-node's own build script",
  'packages/engines/src/node/vulkan.ts': 'options of vulkaninfo and of container runtimes',
  'packages/report/src/style.ts': 'custom properties of CSS',
};

/** The texts of a source, those of templates too, as `{ text, line }`; comments are none. */
function textsOf(path, source) {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest);
  const found = [];
  const visit = (node) => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
      node.text.split('\n').forEach((text, i) => {
        found.push({ text, line: line + i + 1 });
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** Finds options in texts of the packages that `allowed` does not list, and entries of `allowed` that are not needed. */
export function optionNames(workspace, allowed = withOptions) {
  const found = workspace.files
    .filter((path) => /^packages\/[^/]+\/src\//.test(path) && isSource(path) && !isTest(path))
    .flatMap((path) =>
      textsOf(path, workspace.text(path)).flatMap(({ text, line }) => {
        const option = OPTION.exec(text)?.[0].replace(/^[^-]/, '');
        return option === undefined ? [] : [{ path, line, option }];
      }),
    );
  const needed = new Set(found.map(({ path }) => path));
  return [
    ...found
      .filter(({ path }) => !Object.hasOwn(allowed, path))
      .map(({ path, line, option }) => `${path}:${line} says ${option}: options belong to apps/cli`),
    ...Object.keys(allowed)
      .filter((path) => !needed.has(path))
      .map((path) => `${path}: says no option and need not be listed in option-names.mjs`),
  ];
}

// A vitest reporter that ends the run with the names of the failed tests, each with the first lines of its error, and with
// one line that a script can read: `N passed, N failed`. What fails outside a test counts too: a file that does not load, a
// hook, an error that nobody caught. Where there are tests on real data, which the repository does not hold (they have `real
// data` in their names and take its folder from LEARNGENE_REAL_DATA), a line before says how many of them ran.
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** Lines of an error that are shown, and failures that are shown with their errors. */
const LINES = 4;
const SHOWN = 60;

function firstLines(error) {
  const text = stripVTControlCharacters(`${error?.name ?? 'Error'}: ${error?.message ?? error}`);
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, LINES);
}

/** The counts of a run, and its failures as `{ name, errors }`. */
function summary(modules, unhandled) {
  const failures = unhandled.map((error) => ({ name: 'outside any test', errors: [error] }));
  let passed = 0;
  const real = { ran: 0, all: 0 };
  for (const module of modules) {
    const file = [module.project.name, relative(process.cwd(), module.moduleId)].filter(Boolean).join(' > ');
    if (module.errors().length > 0) failures.push({ name: file, errors: module.errors() });
    for (const suite of module.children.allSuites()) {
      if (suite.errors().length > 0) failures.push({ name: `${file} > ${suite.fullName}`, errors: suite.errors() });
    }
    for (const test of module.children.allTests()) {
      const { state, errors } = test.result();
      if (test.fullName.includes('real data')) {
        real.all++;
        if (state !== 'skipped') real.ran++;
      }
      if (state === 'passed') passed++;
      if (state === 'failed') failures.push({ name: `${file} > ${test.fullName}`, errors });
    }
  }
  return { passed, failures, real };
}

export default class CountReporter {
  onTestRunEnd(modules, unhandled) {
    const { passed, failures, real } = summary(modules, unhandled);
    const lines = failures.flatMap(({ name, errors }, index) => [
      `- ${name}`,
      ...(index < SHOWN ? firstLines(errors[0]).map((line) => `    ${line}`) : []),
    ]);
    if (failures.length > 0) lines.unshift('Failed tests:');
    if (real.all > 0) lines.unshift(`real data: ${real.ran} of ${real.all} tests ran`);
    // After everything that other reporters and the coverage print.
    process.on('exit', () => console.log([...lines, `${passed} passed, ${failures.length} failed`].join('\n')));
  }
}

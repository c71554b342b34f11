// A vitest reporter that ends the run with one line a script can read: `N passed, N failed`.
export default class CountReporter {
  onTestRunEnd(modules, errors) {
    let passed = 0;
    let failed = errors.length;
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed++;
        if (state === 'failed') failed++;
      }
      failed += module.errors().length;
    }
    process.on('exit', () => console.log(`${passed} passed, ${failed} failed`));
  }
}

// Where coverage is counted (see ../coverage-reporter.mjs), the processes that tests start count too. Not in the options of
// the test process itself, whose coverage vitest counts.
const preload = new URL('child.mjs', import.meta.url).href;
const { LEARNGENE_CHILD_COVERAGE: folder, NODE_OPTIONS: options = '' } = process.env;
if (folder && !options.includes(preload)) process.env.NODE_OPTIONS = `${options} --import=${preload}`.trim();

// What must end a run in a browser: without these the other cases could pass on results that are wrong.
import { afterEach, beforeAll, describe, expect, it as test } from 'vitest';
import { bundlePage, htmlOf } from '../src/bundle-page';
import { runInPage } from '../src/run-in-page';
import { type Server, serve } from '../src/serve';

let server: Server;
afterEach(() => server.close());

async function runScript(script: string, args: unknown[] = [], harmless?: readonly RegExp[]): Promise<unknown> {
  server = await serve({ '/': htmlOf('/page.js'), '/page.js': script });
  return runInPage(`${server.origin}/`, args, { seconds: 20, harmless });
}

const later = 'await new Promise((resolve) => setTimeout(resolve, 200))';

describe('a page', () => {
  test('gives what its run gives', async () => {
    expect(await runScript('globalThis.run = async (a, b) => ({ sum: a + b })', [1, 2])).toEqual({ sum: 3 });
  });

  test.each<[string, string, RegExp]>([
    ['an error of run', "throw new RangeError('too long')", /RangeError: too long/],
    ['an error on the console', "console.error('bad', 1)", /console error: bad 1/],
    ['a warning on the console', "console.warn('odd')", /console warning: odd/],
    ['a failed assertion', "console.assert(false, 'no')", /console assert: no/],
    [
      'an uncaught error',
      `setTimeout(() => { throw new Error('late') }); ${later}`,
      /uncaught error in the page:.*late/,
    ],
    ['a rejection', `Promise.reject(new Error('unseen')); ${later}`, /uncaught error in the page:.*unseen/],
    ['a file that is not there', "await fetch('/nothing')", /console error: .*404/],
    ['a request that fails', "await fetch('http://127.0.0.1:1/').catch(() => {})", /console error: .*ERR_/],
  ])('ends with %s', async (_, body, message) => {
    await expect(runScript(`globalThis.run = async () => { console.info('before'); ${body} }`)).rejects.toThrow(
      message,
    );
  });

  test('ends with an error of its script', async () => {
    await expect(runScript("throw new Error('at the start')")).rejects.toThrow(
      /uncaught error in the page:.*at the start/,
    );
  });

  test('may write warnings that are said to be harmless', async () => {
    const script = "globalThis.run = () => { console.warn('slow: 3 ms'); return 1 }";
    expect(await runScript(script, [], [/^slow: /])).toBe(1);
  });

  test.each([
    ['waits for ever', 'await new Promise(() => {})'],
    ['computes for ever', 'for (;;);'],
  ])('that %s ends when its time is up, with its last report', async (_, body) => {
    server = await serve({
      '/': htmlOf('/page.js'),
      '/page.js': `globalThis.run = async () => { console.info('step 1'); console.info('step 2'); ${later}; ${body} }`,
    });
    const result = runInPage(`${server.origin}/`, [], { seconds: 4 });
    await expect(result).rejects.toThrow("no answer after 4 s\nThe page's last report: step 2");
  });
});

describe('the GPU', () => {
  let page: string;
  beforeAll(async () => {
    page = await bundlePage(new URL('faults.page.ts', import.meta.url));
  });

  test('computes without faults', async () => {
    expect(await runScript(page, ['none'])).toEqual([4, 6]);
  });

  test.each<[string, RegExp]>([
    ['an invalid buffer', /console error: WebGPU: .*MapWrite/],
    ['an op of nine tensors', /console (error|warning): .*[Ss]torage/],
    ['a lost device', /console error: WebGPU: the device was lost/],
  ])('ends a run with %s', async (fault, message) => {
    await expect(runScript(page, [fault])).rejects.toThrow(message);
  });
});

test('does not begin without a browser', async () => {
  const before = process.env.CHROME_PATH;
  process.env.CHROME_PATH = '/no/such/browser';
  try {
    await expect(runScript('globalThis.run = () => 1')).rejects.toThrow(/CHROME_PATH: expected/);
  } finally {
    if (before === undefined) delete process.env.CHROME_PATH;
    else process.env.CHROME_PATH = before;
  }
});

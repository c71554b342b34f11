import { type Browser, type ConsoleMessage, chromium, type Page } from 'playwright-core';
import { findChromium } from '../find-chromium.mjs';

/** What makes WebGPU and WebGL work without a GPU, and keeps the browser from any network but ours. */
const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--enable-unsafe-webgpu',
];

/** Options of {@link runInPage}. */
export interface RunInPageOptions {
  /** Seconds that the page may take from its loading to its answer. */
  readonly seconds: number;
  /** Console warnings that say nothing of the result; every other warning fails the run. */
  readonly harmless?: readonly RegExp[];
}

/**
 * Opens a page in a Chromium of its own and calls the function `run` that the page puts on its global object.
 *
 * The page reports how far it is with `console.info`. A console error or warning (Chromium writes one for a request that
 * fails or is answered with an error), an uncaught error, a rejected promise that nobody handles and a crash end the run.
 *
 * @param args - what `run` is called with; JSON.
 * @returns what `run` resolves to; JSON.
 * @throws on any of these, on an error of `run`, and when the time is up; the message has the page's last report.
 */
export async function runInPage<Result>(url: string, args: unknown[], options: RunInPageOptions): Promise<Result> {
  const browser = await chromium.launch({ executablePath: findChromium(), args: FLAGS });
  let last = 'nothing yet';
  try {
    const page = await browser.newPage();
    const faults = watch(page, browser, options.harmless ?? [], (line) => (last = line));
    const answer = (async () => {
      await page.goto(url);
      await page.waitForFunction(() => 'run' in globalThis, undefined, { timeout: 0 });
      return page.evaluate((given) => (globalThis as unknown as { run: Run }).run(...given), args);
    })();
    answer.catch(() => {}); // a fault may have ended the race before
    const result = await Promise.race([answer, faults.first, timeUp(options.seconds)]);
    faults.check(); // what came with the answer
    return result as Result;
  } catch (error) {
    throw new Error(`${(error as Error).message}\nThe page's last report: ${last}`);
  } finally {
    await browser.close();
  }
}

type Run = (...args: unknown[]) => unknown;

/** Listens for all that must not happen: `first` rejects with the first fault, `check` throws where there was one. */
function watch(page: Page, browser: Browser, harmless: readonly RegExp[], onReport: (line: string) => void) {
  const faults: string[] = [];
  let reject = (_: Error) => {};
  const first = new Promise<never>((_, rejectFirst) => (reject = rejectFirst));
  first.catch(() => {});
  const fault = (text: string) => {
    faults.push(text);
    reject(new Error(text));
  };
  page.on('console', (message: ConsoleMessage) => {
    const [type, text] = [message.type(), message.text()];
    if (type === 'info') onReport(text);
    const loud = type === 'error' || type === 'assert' || type === 'warning';
    if (loud && !harmless.some((pattern) => pattern.test(text))) fault(`console ${type}: ${text}`);
  });
  page.on('pageerror', (error) => fault(`uncaught error in the page: ${error.stack || error.message}`));
  page.on('crash', () => fault('the page crashed'));
  browser.on('disconnected', () => fault('the browser ended'));
  return {
    first,
    check() {
      if (faults.length > 0) throw new Error(faults.join('\n'));
    },
  };
}

function timeUp(seconds: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no answer after ${seconds} s`)), seconds * 1000).unref();
  });
}

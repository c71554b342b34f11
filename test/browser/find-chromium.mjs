// Where Chromium, or a browser built on it, is. Plain JavaScript, so that scripts/run.mjs can ask before anything is
// installed or built.
import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { posix, win32 } from 'node:path';

/**
 * What the search looks at; a test gives its own.
 *
 * @typedef {object} Machine
 * @property {NodeJS.Platform} platform
 * @property {Readonly<Record<string, string | undefined>>} env - environment variables
 * @property {string} home - the user's home folder
 * @property {(path: string) => boolean} isFile
 */

/** @type {Machine} */
const here = {
  platform: process.platform,
  env: process.env,
  home: homedir(),
  isFile: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false,
};

/** How to get a browser, by platform. */
const HINTS = new Map([
  ['darwin', '`brew install --cask google-chrome`'],
  ['win32', '`winget install Google.Chrome`'],
]);
const OTHER_HINT = "`apt-get install chromium` on Debian, `dnf install chromium` on Fedora, or your system's package";

/** No browser was found; the message says where it was looked for and how to get one. */
export class NoChromiumError extends Error {
  /** @override */
  name = 'NoChromiumError';
}

/**
 * The program of a Chromium: the one that CHROME_PATH names, else the first found of Chromium, Chrome and Edge.
 *
 * @param {Machine} [machine]
 * @returns {string} the path of a file that exists
 * @throws {NoChromiumError} where there is none, or where CHROME_PATH names no file: then no other browser is taken.
 */
export function findChromium(machine = here) {
  const { env, isFile } = machine;
  if (env.CHROME_PATH) {
    if (isFile(env.CHROME_PATH)) return env.CHROME_PATH;
    throw new NoChromiumError(
      `CHROME_PATH: expected the path of a Chromium, got '${env.CHROME_PATH}', which is no file`,
    );
  }
  const places = usualPlaces(machine);
  const found = places.find(isFile);
  if (found !== undefined) return found;
  throw new NoChromiumError(
    `The browser tests need Chromium, Chrome or Edge, and found none at\n${places.map((path) => `  ${path}`).join('\n')}\n` +
      `Install one (${HINTS.get(machine.platform) ?? OTHER_HINT}), or set CHROME_PATH to the program of one that you have.`,
  );
}

/**
 * Where the installers of a platform put the browsers, in order of preference.
 *
 * @param {Machine} machine
 * @returns {string[]}
 */
function usualPlaces({ platform, env, home }) {
  if (platform === 'win32') {
    const roots = [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA].filter((root) => root !== undefined);
    const programs = [
      'Chromium/Application/chrome.exe',
      'Google/Chrome/Application/chrome.exe',
      'Microsoft/Edge/Application/msedge.exe',
    ];
    return programs.flatMap((program) => roots.map((root) => win32.join(root, program)));
  }
  if (platform === 'darwin') {
    return ['Chromium', 'Google Chrome', 'Microsoft Edge'].flatMap((name) =>
      ['/Applications', posix.join(home, 'Applications')].map((root) => `${root}/${name}.app/Contents/MacOS/${name}`),
    );
  }
  const onPath = (env.PATH ?? '').split(':').filter((folder) => folder.startsWith('/'));
  const folders = [...new Set([...onPath, '/usr/bin', '/usr/local/bin', '/snap/bin'])];
  const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge-stable'];
  return [...names.flatMap((name) => folders.map((folder) => posix.join(folder, name))), '/opt/google/chrome/chrome'];
}

import { describe, expect, it as test, vi } from 'vitest';
import { findChromium, NoChromiumError } from '../find-chromium.mjs';

type Machine = NonNullable<Parameters<typeof findChromium>[0]>;

function machine(platform: NodeJS.Platform, files: string[], env: Record<string, string> = {}): Machine {
  return { platform, env, home: '/home/ada', isFile: (path) => files.includes(path) };
}

const windows = {
  PROGRAMFILES: 'C:\\Program Files',
  'PROGRAMFILES(X86)': 'C:\\Program Files (x86)',
  LOCALAPPDATA: 'C:\\Users\\ada\\AppData\\Local',
};

describe('findChromium', () => {
  test.each<[NodeJS.Platform, string, Record<string, string>]>([
    ['linux', '/usr/bin/chromium', {}],
    ['linux', '/usr/bin/google-chrome-stable', { PATH: '/bin:/usr/bin' }],
    ['linux', '/nix/store/chromium/bin/chromium', { PATH: '/usr/bin:/nix/store/chromium/bin' }],
    ['linux', '/snap/bin/chromium', { PATH: '' }],
    ['linux', '/opt/google/chrome/chrome', {}],
    ['freebsd', '/usr/local/bin/chromium', {}],
    ['darwin', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', {}],
    ['darwin', '/home/ada/Applications/Chromium.app/Contents/MacOS/Chromium', {}],
    ['darwin', '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge', {}],
    ['win32', 'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe', windows],
    ['win32', 'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe', windows],
    ['win32', 'C:\\Users\\ada\\AppData\\Local\\Google\\Chrome\\Application\\chrome.exe', windows],
  ])('on %s finds %s', (platform, path, env) => {
    expect(findChromium(machine(platform, [path], env))).toBe(path);
  });

  test('takes Chromium before Chrome, wherever they are on PATH, and skips relative folders of PATH', () => {
    const files = ['bin/chromium', '/first/google-chrome', '/second/chromium'];
    expect(findChromium(machine('linux', files, { PATH: 'bin:/first:/second' }))).toBe('/second/chromium');
  });

  test('takes what CHROME_PATH names before all else', () => {
    const files = ['/usr/bin/chromium', '/my/browser'];
    expect(findChromium(machine('linux', files, { CHROME_PATH: '/my/browser' }))).toBe('/my/browser');
  });

  test('takes no other browser where CHROME_PATH names no file', () => {
    const run = () => findChromium(machine('linux', ['/usr/bin/chromium'], { CHROME_PATH: '/gone' }));
    expect(run).toThrow(NoChromiumError);
    expect(run).toThrow("CHROME_PATH: expected the path of a Chromium, got '/gone', which is no file");
  });

  test.each<[NodeJS.Platform, RegExp, RegExp]>([
    ['linux', /\n {2}\/usr\/bin\/chromium\n/, /apt-get install chromium/],
    ['darwin', /\n {2}\/Applications\/Google Chrome\.app/, /brew install --cask google-chrome/],
    ['win32', /\n {2}C:\\Program Files\\Google\\Chrome/, /winget install Google\.Chrome/],
    ['openbsd', /\n {2}\/usr\/bin\/chromium\n/, /your system's package/],
  ])('on %s without one says where it looked and how to get one', (platform, place, hint) => {
    const run = () => findChromium(machine(platform, [], windows));
    expect(run).toThrow(NoChromiumError);
    for (const part of [place, hint, /CHROME_PATH/]) expect(run).toThrow(part);
  });

  test('asks the real disk by default: a file will do, a folder will not', () => {
    vi.stubEnv('CHROME_PATH', process.execPath);
    expect(findChromium()).toBe(process.execPath);
    vi.stubEnv('CHROME_PATH', import.meta.dirname);
    expect(() => findChromium()).toThrow(/which is no file/);
    vi.unstubAllEnvs();
  });
});

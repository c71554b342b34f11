import { describe, expect, test } from 'vitest';
import { siteFaults } from './site-faults.mjs';

const site = (files: Record<string, string>, base = '/') => siteFaults(new Map(Object.entries(files)), base);

describe('siteFaults', () => {
  test('pages, anchors, pictures and folders that are there are no fault', () => {
    const pages = {
      'index.html': '<a href="/guides/a.html#two">a</a> <a href="guides/">g</a> <a href="#top">t</a><h1 id="top"></h1>',
      'guides/a.html': '<h2 id="two"></h2><img src="../picture.png"><a href="a">without ending</a>',
      'guides/index.html': '<a href="mailto:x@example.org">x</a><a href="https://example.org/none">other</a>',
      'picture.png': '',
    };
    expect(site(pages)).toEqual([]);
  });

  test.each([
    ['a page', '<a href="/none.html">x</a>', /links to \/none.html, which is no page/],
    ['a picture', '<img src="/none.png">', /links to \/none.png, which is no page/],
    ['an anchor of the page itself', '<a href="#none">x</a>', /links to #none, which that page does not have/],
    ['an anchor elsewhere', '<a href="/b.html#none">x</a>', /links to \/b.html#none, which that page does not have/],
  ])('%s that is not there is found', (_, html, fault) => {
    expect(site({ 'a.html': html, 'b.html': '<p id="one">' })).toEqual([expect.stringMatching(fault)]);
  });

  test.each([
    ['a script', 'a.html', '<script src="https://cdn.example.org/x.js"></script>'],
    ['a style', 'a.html', '<link rel="stylesheet" href="//fonts.example.org/x.css">'],
    ['a picture', 'a.html', '<img src="https://example.org/x.png">'],
    ['a style in a page', 'a.html', "<style>@import 'https://example.org/x.css';</style>"],
    ['a font of a style', 'a.css', '@font-face { src: url("https://example.org/x.woff2") }'],
  ])('%s from another server is found', (_, name, text) => {
    expect(site({ [name]: text })).toEqual([expect.stringMatching(/from another server$/)]);
  });

  test('a site below a path has its links below it', () => {
    const pages = { 'index.html': '<a href="/learngene/b.html">b</a>', 'b.html': '' };
    expect(site(pages, '/learngene/')).toEqual([]);
    expect(site({ ...pages, 'index.html': '<a href="/b.html">b</a>' }, '/learngene/')).toHaveLength(1);
  });
});

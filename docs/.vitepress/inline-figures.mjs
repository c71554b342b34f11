// Writes the figures of `assets/figures` into the page, so that they take the colours of the theme, light or dark.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export function inlineFigures(md) {
  const image = md.renderer.rules.image;
  md.renderer.rules.image = (tokens, index, options, env, self) => {
    const src = tokens[index].attrGet('src');
    if (!/assets\/figures\/[\w-]+\.svg$/.test(src)) return image(tokens, index, options, env, self);
    // The theme has the colours and the style of a figure; the file has its own for GitHub.
    const svg = readFileSync(join(dirname(env.path), src), 'utf8').replace(/<style>[\s\S]*?<\/style>/, '');
    return svg.replace(/\n/g, '');
  };
}

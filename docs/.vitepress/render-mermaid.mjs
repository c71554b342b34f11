// Draws ```mermaid blocks when the site is built, in colours of the theme: a page loads no drawing library.
import { renderMermaidSVG } from 'beautiful-mermaid';

const COLOURS = {
  bg: 'var(--vp-c-bg)',
  fg: 'var(--vp-c-text-1)',
  line: 'var(--vp-c-text-3)',
  accent: 'var(--vp-c-brand-1)',
  muted: 'var(--vp-c-text-2)',
  surface: 'var(--vp-c-bg-soft)',
  border: 'var(--vp-c-border)',
};

/** The drawing of a diagram, without the font that it would load and with rules for its own drawing only. */
function draw(diagram) {
  const svg = renderMermaidSVG(diagram, { ...COLOURS, transparent: true, padding: 8 });
  return svg.replace(/^\s*@import url\(.*\);$/m, '').replace(/^(\s*)(text|svg) \{/gm, '$1.diagram $2 {');
}

export function renderMermaid(md) {
  const fence = md.renderer.rules.fence;
  md.renderer.rules.fence = (tokens, index, options, env, self) => {
    const { info, content } = tokens[index];
    if (info.trim() !== 'mermaid') return fence(tokens, index, options, env, self);
    // As a value, because Vue takes no <style> inside a template.
    return `<div class="diagram" v-html="${md.utils.escapeHtml(JSON.stringify(draw(content)))}"></div>\n`;
  };
}

/**
 * The script of a page whose charts hold their values: under the pointer, or by the arrow keys, it shows the values at the
 * nearest x. Plain JavaScript for browsers, without a module; it reads nothing but the page.
 */
export const HOVER_SCRIPT = `
(() => {
  const SVG = 'http://www.w3.org/2000/svg';
  const MOST = 9; // lines in a box
  const shown = (v) => (Number.isInteger(v) && Math.abs(v) < 1e9 ? v.toLocaleString('en-US') : String(Number(v.toPrecision(4))));
  const box = document.createElement('div');
  box.className = 'values'; box.hidden = true; box.setAttribute('role', 'status');
  document.body.append(box);
  const follow = (svg) => {
    const data = JSON.parse(svg.querySelector('metadata.values').textContent);
    const { area, x, y, lines } = data;
    const place = ({ log, domain: [a, b] }, v) => (log ? Math.log(v / a) / Math.log(b / a) : (v - a) / (b - a || 1));
    const px = (v) => area.left + place(x, v) * area.width;
    const py = (v) => area.top + (1 - place(y, v)) * area.height;
    const all = [...new Set(lines.flatMap((line) => line[2]))].sort((a, b) => a - b);
    if (all.length === 0) return;
    const marks = document.createElementNS(SVG, 'g');
    marks.setAttribute('pointer-events', 'none');
    svg.append(marks);
    let at = all.length - 1;
    const nearest = (values, v) => {
      let low = 0, high = values.length - 1;
      while (high - low > 1) { const mid = (low + high) >> 1; if (values[mid] <= v) low = mid; else high = mid; }
      return Math.abs(values[low] - v) <= Math.abs(values[high] - v) ? low : high;
    };
    const hide = () => { box.hidden = true; marks.replaceChildren(); };
    const show = (value, pointerY) => {
      const step = all.length > 1 ? (all[all.length - 1] - all[0]) / (all.length - 1) : 1;
      let rows = lines.flatMap(([name, color, xs, ys]) => {
        const i = nearest(xs, value);
        if (xs.length === 0 || (Math.abs(xs[i] - value) > step && Math.abs(px(xs[i]) - px(value)) > 6)) return [];
        return [{ name, color, x: xs[i], y: ys[i], top: py(ys[i]) }];
      });
      rows.sort((a, b) => a.top - b.top);
      const left = rows.length - MOST;
      if (left > 0) {
        const near = pointerY ?? area.top;
        rows = rows.sort((a, b) => Math.abs(a.top - near) - Math.abs(b.top - near)).slice(0, MOST).sort((a, b) => a.top - b.top);
      }
      const line = document.createElementNS(SVG, 'line');
      for (const [k, v] of [['x1', px(value)], ['x2', px(value)], ['y1', area.top], ['y2', area.top + area.height], ['stroke', 'currentColor'], ['stroke-opacity', 0.4]]) line.setAttribute(k, v);
      const dots = rows.map((row) => {
        const dot = document.createElementNS(SVG, 'circle');
        for (const [k, v] of [['cx', px(row.x)], ['cy', row.top], ['r', 3.5], ['fill', row.color]]) dot.setAttribute(k, v);
        return dot;
      });
      marks.replaceChildren(line, ...dots);
      const head = document.createElement('b');
      head.textContent = x.title + ' ' + shown(value);
      const texts = rows.map((row) => {
        const p = document.createElement('div'), dot = document.createElement('i');
        dot.style.background = row.color;
        p.append(dot, row.name + ': ' + shown(row.y));
        return p;
      });
      if (left > 0) texts.push(Object.assign(document.createElement('div'), { textContent: 'and ' + left + ' more' }));
      box.replaceChildren(head, ...texts);
      box.hidden = false;
      const frame = svg.getBoundingClientRect(), scale = frame.width / svg.viewBox.baseVal.width;
      const width = box.offsetWidth, from = frame.left + px(value) * scale;
      const x0 = from + 14 + width > document.documentElement.clientWidth ? from - width - 14 : from + 14;
      box.style.left = Math.max(4, x0) + window.scrollX + 'px';
      box.style.top = frame.top + window.scrollY + area.top * scale + 'px';
    };
    svg.setAttribute('tabindex', '0');
    svg.addEventListener('pointermove', (event) => {
      const frame = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / frame.width;
      const sx = (event.clientX - frame.left) * scale, sy = (event.clientY - frame.top) * scale;
      if (sx < area.left - 8 || sx > area.left + area.width + 8 || sy < area.top || sy > area.top + area.height) return hide();
      const part = Math.min(1, Math.max(0, (sx - area.left) / area.width)), [a, b] = x.domain;
      at = nearest(all, x.log ? a * Math.pow(b / a, part) : a + part * (b - a));
      show(all[at], sy);
    });
    svg.addEventListener('pointerleave', hide);
    svg.addEventListener('blur', hide);
    svg.addEventListener('keydown', (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1, Home: -all.length, End: all.length, Escape: 0 }[event.key];
      if (typeof move !== 'number') return;
      event.preventDefault();
      if (move === 0) return hide();
      at = Math.min(all.length - 1, Math.max(0, at + move));
      show(all[at]);
    });
  };
  const start = () => {
    box.hidden = true;
    for (const data of document.querySelectorAll('svg > metadata.values')) follow(data.parentElement);
  };
  start();
  document.addEventListener('replaced', start);
})();
`;

import type { ProgressBar } from './progress';

/** Seconds as `1:05:09`, `5:09` or `9 s`. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor((s % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

/**
 * Watches work of `total` units that begins now: the result gives, for the units that are done, how fast they were done and
 * how long the rest will take, or no text before the first. Work that goes on where it was left counts from there.
 */
export function workRate(total: number, unit: string): (done: number) => string {
  const started = performance.now();
  let first: number | undefined;
  return (done) => {
    first ??= done > 1 ? done - 1 : 0;
    const elapsed = (performance.now() - started) / 1000;
    const rate = (done - first) / Math.max(elapsed, 1e-3);
    if (!(rate > 0)) return '';
    const shown = rate >= 10 ? rate.toFixed(0) : rate.toPrecision(2);
    return `${shown} ${unit}/s, ${duration((total - done) / rate)} left`;
  };
}

/** Milliseconds between two lines of a {@link textBar}. */
const BETWEEN = 10_000;

/** A progress bar of lines of text, for a place that no bar can be drawn in: a line every ten seconds, and a last one. */
export function textBar(
  title: string,
  total: number,
  { unit, write }: { unit: string; write: (line: string) => void },
): ProgressBar {
  const rate = workRate(total, unit);
  let printed = performance.now();
  return {
    update(value, note = '') {
      const rest = rate(value);
      const now = performance.now();
      if (now - printed < BETWEEN && value < total) return;
      printed = now;
      write(`${title}: ${value}/${total} ${unit}, ${rest} ${note}`);
    },
    stop() {},
  };
}

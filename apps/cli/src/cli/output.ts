import type { Progress, ProgressBar } from '@learngene/pipeline';
import cliProgress from 'cli-progress';
import pc from 'picocolors';

/** What a command was asked to print. */
export interface OutputOptions {
  /** Print one JSON document on standard output and nothing else there. */
  json: boolean;
  /** Print results, warnings and errors only. */
  quiet: boolean;
  /** Print what helps to find a fault, too. */
  debug?: boolean;
}

/** The one place that writes to the terminal: notes and progress go to stderr, results to stdout. */
export interface Output extends OutputOptions, Progress {
  /** A line that is printed before the next one, and not at all where an error comes next. */
  announce(text: string): void;
  /** A line that helps to find a fault; printed with --debug only. */
  detail(text: string): void;
  /** A line of the result, for people. */
  print(text: string): void;
  /** The result for scripts; printed with --json only. */
  result(value: unknown): void;
}

const silent: ProgressBar = { update() {}, stop() {} };

/** Seconds as `1:05:09`, `5:09` or `9 s`. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor((s % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

function rateAndRest(done: number, started: number, startValue: number, total: number, unit: string): string {
  const elapsed = (performance.now() - started) / 1000;
  const rate = (done - startValue) / Math.max(elapsed, 1e-3);
  if (!(rate > 0)) return '';
  const shown = rate >= 10 ? rate.toFixed(0) : rate.toPrecision(2);
  return `${shown} ${unit}/s, ${duration((total - done) / rate)} left`;
}

function terminalBar(title: string, total: number, unit: string): ProgressBar {
  const bar = new cliProgress.SingleBar({
    format: `${title} {bar} {value}/{total} ${unit} {rest} {note}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: false,
    stream: process.stderr,
    fps: 8,
  });
  const started = performance.now();
  let first: number | undefined;
  bar.start(total, 0, { rest: '', note: '' });
  return {
    update(value, note = '') {
      first ??= value > 1 ? value - 1 : 0;
      bar.update(value, { rest: pc.dim(rateAndRest(value, started, first, total, unit)), note });
    },
    stop: () => bar.stop(),
  };
}

function plainProgress(title: string, total: number, unit: string): ProgressBar {
  const started = performance.now();
  let printed = started;
  let first: number | undefined;
  return {
    update(value, note = '') {
      first ??= value > 1 ? value - 1 : 0;
      const now = performance.now();
      if (now - printed < 10_000 && value < total) return;
      printed = now;
      process.stderr.write(
        `${title}: ${value}/${total} ${unit}, ${rateAndRest(value, started, first, total, unit)} ${note}\n`,
      );
    },
    stop() {},
  };
}

/** The terminal output of one command. */
export function createOutput({ json, quiet, debug = false }: OutputOptions): Output {
  let announced: string[] = [];
  /** Prints what was announced, ahead of the next line. */
  const flush = () => {
    if (!quiet) for (const text of announced) process.stderr.write(`${text}\n`);
    announced = [];
  };
  return {
    json,
    quiet,
    debug,
    info(text) {
      flush();
      if (!quiet) process.stderr.write(`${text}\n`);
    },
    announce(text) {
      announced.push(text);
    },
    detail(text) {
      flush();
      if (debug) process.stderr.write(`${text}\n`);
    },
    warn(text) {
      flush();
      process.stderr.write(`${pc.yellow('warning')} ${text}\n`);
    },
    print(text) {
      flush();
      if (!json) process.stdout.write(`${text}\n`);
    },
    result(value) {
      flush();
      if (json) process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    },
    startBar(title, total, unit) {
      flush();
      if (quiet || total <= 0) return silent;
      return process.stderr.isTTY ? terminalBar(title, total, unit) : plainProgress(title, total, unit);
    },
  };
}

/** Prints rows of a name and a value, the values below each other. */
export function printTable(output: Output, rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  for (const [name, value] of rows) output.print(`${name.padEnd(width)}  ${value}`);
}

import { type Progress, type ProgressBar, printable, textBar, workRate } from '@learngene/pipeline';
import cliProgress from 'cli-progress';
import pc from 'picocolors';

export { duration } from '@learngene/pipeline';

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
  const rate = workRate(total, unit);
  bar.start(total, 0, { rest: '', note: '' });
  return {
    update(value, note = '') {
      bar.update(value, { rest: pc.dim(rate(value)), note });
    },
    stop: () => bar.stop(),
  };
}

/** The terminal output of one command. */
export function createOutput({ json, quiet, debug = false }: OutputOptions): Output {
  let announced: string[] = [];
  /** Prints what was announced, ahead of the next line. */
  const flush = () => {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K'); // a bar that stands there is drawn again below
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
      if (process.stderr.isTTY) return terminalBar(title, total, unit);
      return textBar(title, total, { unit, write: (line) => process.stderr.write(`${line}\n`) });
    },
  };
}

/** Prints rows of a name and a value, the values below each other. */
export function printTable(output: Output, rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  for (const [name, value] of rows) output.print(printable(`${name.padEnd(width)}  ${value}`));
}

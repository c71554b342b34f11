/** A progress bar. */
export interface ProgressBar {
  /** Sets how much of the work is done, in its units, and a note beside the bar. */
  update(done: number, note?: string): void;
  /** Ends the display. */
  stop(): void;
}

/**
 * Receives the messages and the progress of long work. The command shows them on the terminal; a program may pass its
 * own object.
 */
export interface Progress {
  /** Receives a line that says what is being done. */
  info(text: string): void;
  /** Receives a warning, which a person should read. */
  warn(text: string): void;
  /** Starts a display for `total` units of work, e.g. `steps`. */
  startBar(title: string, total: number, unit: string): ProgressBar;
}

/** Shows nothing. */
export const noProgress: Progress = {
  info() {},
  warn() {},
  startBar: () => ({ update() {}, stop() {} }),
};

/** A running display of how far some work is. */
export interface ProgressBar {
  /** Sets how much of the work is done, in its units, and a note beside the bar. */
  update(done: number, note?: string): void;
  /** Ends the display. */
  stop(): void;
}

/** Receives what long work reports. The command shows it on the terminal; a program may pass its own. */
export interface Progress {
  /** Takes a line that says what is being done. */
  info(text: string): void;
  /** Takes a line that a person should look at. */
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

/** One running display of progress. */
export interface ProgressBar {
  /** Sets how far the work is and the words beside the bar. */
  update(value: number, note?: string): void;
  /** Ends the display. */
  stop(): void;
}

/** Where long work says how far it is. The command shows it on the terminal; a program may pass its own. */
export interface Progress {
  /** Shows a line about what is being done. */
  info(text: string): void;
  /** Shows a line about something that deserves a look. */
  warn(text: string): void;
  /** Starts a display of work of `total` units, e.g. `steps`. */
  progress(title: string, total: number, unit: string): ProgressBar;
}

/** Shows nothing. */
export const noProgress: Progress = {
  info() {},
  warn() {},
  progress: () => ({ update() {}, stop() {} }),
};

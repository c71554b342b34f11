/** Milliseconds of work between two turns of the event loop. */
const INTERVAL_MS = 40;

/**
 * Makes a function to await inside a long loop. Every 40 ms it gives the event loop a turn, so that aborts, timers,
 * signals and pages respond also where an engine works in microtasks only.
 */
export function createTurns(): () => Promise<void> {
  let last = Date.now();
  return async () => {
    if (Date.now() - last < INTERVAL_MS) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    last = Date.now();
  };
}

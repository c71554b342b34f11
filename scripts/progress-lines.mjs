// Progress of long trainings as lines on the terminal: messages as they are, a bar about once a minute.
// Usage: import { progressLines } from './progress-lines.mjs'

/** @returns {import('@learngene/pipeline').Progress} */
export function progressLines() {
  return {
    info: (text) => console.log(text),
    warn: (text) => console.warn(text),
    startBar(title, total, unit) {
      let told = Date.now();
      return {
        update(done, note = '') {
          if (Date.now() - told < 60_000) return;
          told = Date.now();
          console.log(`${title}: ${done} of ${total} ${unit} ${note}`);
        },
        stop() {},
      };
    },
  };
}

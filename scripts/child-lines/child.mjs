// Loaded into every process that the tests start while coverage is counted (`node --import`): writes, when the process
// ends, which parts of the built packages and apps ran. V8's own NODE_V8_COVERAGE would write megabytes a process.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

/** The built files that count. */
const COUNTED = /\/(packages|apps)\/[^/]+\/dist\/[^?]*\.js$/;

const folder = process.env.LEARNGENE_CHILD_COVERAGE;
if (folder !== undefined) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: false, detailed: true });
  process.on('exit', () => {
    session.post('Profiler.takePreciseCoverage', (_, taken) => {
      const scripts = taken?.result
        .filter(({ url }) => COUNTED.test(url))
        .map(({ url, functions }) => ({ url, ranges: functions.flatMap((one) => one.ranges) }));
      const file = join(folder, `${process.pid}-${threadId}-${Date.now()}`);
      try {
        mkdirSync(folder, { recursive: true });
        writeFileSync(file, JSON.stringify(scripts ?? []));
        renameSync(file, `${file}.json`);
      } catch {
        // What a test takes from a process, such as room on the disk, is not this file's to report: its lines do not count.
      }
    });
  });
}

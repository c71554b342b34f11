import type { NodeEngineName } from '@learngene/engines';
import { chooseEngine } from '@learngene/engines/node';
import { errorLine, noProgress } from '@learngene/pipeline';
import { InterruptedError } from '@learngene/trainer';
import { runJob } from './schedule/run-job';
import type { WorkerMessage, WorkerStop, WorkerTask } from './schedule/worker-process';

/** Milliseconds between two messages of progress. */
const INTERVAL = 250;

function tell(message: WorkerMessage): void {
  if (process.connected) process.send?.(message);
}

const interrupt = new AbortController();

function stop(signal: 'SIGINT' | 'SIGTERM'): void {
  const error = new InterruptedError('interrupted', { signal });
  if (interrupt.signal.aborted) process.exit(signal === 'SIGTERM' ? 143 : 130);
  interrupt.abort(error);
}

async function work({ out, engine, job }: WorkerTask): Promise<void> {
  const { signal } = interrupt;
  try {
    const { name } = await chooseEngine(engine as NodeEngineName);
    let told = 0;
    await runJob(
      {
        out,
        engine: name,
        progress: { ...noProgress, warn: (warning) => tell({ warning }) },
        signal,
        onProgress(progress) {
          if (performance.now() - told < INTERVAL) return;
          told = performance.now();
          tell({ progress });
        },
      },
      job,
    );
  } catch (error) {
    if (signal.aborted) process.exitCode = 130;
    else {
      tell({ error: errorLine(error) });
      process.exitCode = 1;
    }
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    process.removeAllListeners('disconnect');
    process.disconnect?.();
  }
}

process.on('SIGINT', stop);
process.on('SIGTERM', stop);
// Without a parent nobody waits for the result.
process.on('disconnect', () => process.exit(130));
process.on('message', (message: WorkerTask | WorkerStop) => {
  if ('stop' in message) stop('SIGINT');
  else void work(message);
});

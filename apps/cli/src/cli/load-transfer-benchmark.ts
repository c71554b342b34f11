import { UsageError } from './errors';

const PACKAGE = '@learngene/transfer-benchmark';

/**
 * Loads the transfer benchmark, an optional package beside the command.
 *
 * @throws UsageError where it is not installed
 */
export async function loadTransferBenchmark(): Promise<typeof import('@learngene/transfer-benchmark')> {
  try {
    return await import('@learngene/transfer-benchmark');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A file or package that the benchmark itself lacks is another error.
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(`'${PACKAGE}'`)) throw error;
    throw new UsageError(`bench transfer needs the package ${PACKAGE}: npm install ${PACKAGE}`);
  }
}

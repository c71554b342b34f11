import { reportFile, reportRuns, watchRuns } from '@learngene/trainer/node';
import { Command } from 'commander';
import { type OutputOptions, outputOf, refuseUnused, wholeNumber, withOutputOptions } from '../cli/context';
import { interruptible } from '../cli/interrupt';
import { startEngine } from '../cli/start-engine';
import { checkTarget, withForceOption } from '../cli/target';

interface ReportOptions extends OutputOptions {
  out?: string;
  csv?: string;
  tensorboard?: string;
  watch: boolean;
  port?: number;
  force: boolean;
}

/** The page to write: the report of one run in its folder, unless only other files are asked for. */
function pageOf(runs: readonly string[], { out, csv, tensorboard }: ReportOptions): string | undefined {
  if (out !== undefined || csv !== undefined || tensorboard !== undefined) return out;
  return runs.length === 1 ? reportFile(runs[0]) : 'runs.html';
}

/** `learngene report`: what came of runs, also while they train. */
export function reportCommand(): Command {
  const command = new Command('report')
    .description('Write the page of a run anew, compare runs in one page, export their logs')
    .argument('<runs...>', 'run folders, also of trainings that go on')
    .option('--out <file>', 'the page (default: report.html of one run, runs.html for several)')
    .option('--csv <file>', 'write the logs as CSV')
    .option('--tensorboard <folder>', 'write the logs as event files for TensorBoard')
    .option('--watch', 'serve the page on 127.0.0.1, up to date while runs train, until Ctrl-C', false)
    .option('--port <n>', 'port of --watch (default: one that is free)', wholeNumber('--port', 1, 65_535));
  withForceOption(command);
  withOutputOptions(command, [
    'learngene report runs/photos',
    'learngene report runs/a runs/b --out ranks.html',
    'learngene report runs/photos --watch',
    'learngene report runs/a runs/b --csv logs.csv --tensorboard logs',
  ]);
  return command.action(async (runs: string[], options: ReportOptions) => {
    const output = outputOf(options);
    if (options.watch) {
      refuseUnused(command, ['out', 'csv', 'tensorboard', 'force'], 'has no part in --watch');
      const onListening = (url: string) => output.print(`${url} (Ctrl-C ends it)`);
      return interruptible((signal) => watchRuns(runs, { port: options.port, signal, onListening }));
    }
    refuseUnused(command, ['port'], 'has a part only with --watch');
    const { csv, tensorboard, force } = options;
    const page = pageOf(runs, options);
    if (page !== undefined && page !== reportFile(runs[0]))
      checkTarget(page, { option: '--out', endings: ['.html'], force });
    if (csv !== undefined) checkTarget(csv, { option: '--csv', endings: ['.csv'], force });
    const needEngine = () => startEngine('cpu', output);
    const written = await reportRuns(runs, { page, csv, tensorboard, force, needEngine });
    for (const file of written.files) output.print(`Wrote ${file}`);
    output.result(written);
  });
}

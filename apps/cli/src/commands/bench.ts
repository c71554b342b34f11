import { availableParallelism } from 'node:os';
import { counted } from '@learngene/pipeline';
import { interruptedBy } from '@learngene/trainer';
import { Command } from 'commander';
import {
  chosenPlan,
  dataPath,
  neededFolder,
  planFlags,
  reportOptions,
  type TransferBenchOptions,
} from '../cli/benchmark-plan';
import { list, outputOf, refuseUnused, wholeNumber, withEngineOption, withOutputOptions } from '../cli/context';
import { interruptible } from '../cli/interrupt';
import { loadTransferBenchmark } from '../cli/load-transfer-benchmark';
import { startEngine } from '../cli/start-engine';

function transferBench(): Command {
  const command = new Command('transfer')
    .description('KIND against fine-tuning and learngene methods on classes that it has never seen')
    .option('--plan <file>', 'JSON file of a benchmark plan')
    .option('--smoke', 'the plan of a few minutes, on emoji', false)
    .option('--quick', 'the main table in 45 minutes on two cores', false)
    .option('--full', 'all tables, three seeds: hours', false)
    .option('--out <folder>', 'folder to write; jobs whose results are there are not done again')
    .option('--jobs <n>', 'worker processes', wholeNumber('--jobs', 1), 1)
    .option('--only <methods>', 'trials of these methods only, separated by commas', list)
    .option('--data-path <dataset=path>', 'where the files of a dataset of the plan lie; may be repeated', dataPath, {})
    .option('--docs <folder>', 'write a Markdown document there too')
    .option('--report-only', 'write the report of the results in the folder and end', false)
    .option('--show-plan', 'print the plan as JSON and end', false);
  withEngineOption(command);
  withOutputOptions(command, [
    'learngene bench transfer --smoke --out runs/smoke',
    'learngene bench transfer --quick --jobs 2 --out runs/quick',
    'learngene bench transfer --full --show-plan > plan.json',
    'learngene bench transfer --plan plan.json --jobs 2 --only kind,lora-class --out runs/mine',
  ]);
  return command.action(async (options: TransferBenchOptions) => {
    const output = outputOf(options);
    const {
      checkMethods,
      checkPlaces,
      resolveJobs,
      runBenchmark,
      withAutoencoders,
      workerExecutor,
      writeTransferReport,
    } = await loadTransferBenchmark();
    if (options.reportOnly) {
      refuseUnused(command, ['jobs', 'only', 'dataPath', 'engine', 'showPlan'], 'has no part in --report-only');
      const { summary, report, document } = await writeTransferReport(
        neededFolder(options),
        reportOptions(options, planFlags(options)[0]),
      );
      output.print(`${counted(summary.done, 'trial')}. Report: ${report}`);
      output.result({ out: options.out, report, document, trials: summary.done });
      return;
    }
    const { plan: chosen, flags } = await chosenPlan(options);
    if (options.showPlan) {
      refuseUnused(command, ['jobs', 'only', 'out', 'docs', 'engine'], 'has no part in --show-plan');
      process.stdout.write(`${JSON.stringify(chosen, null, 2)}\n`);
      return;
    }
    const out = neededFolder(options);
    checkMethods(chosen, options.only);
    await checkPlaces(out, chosen, reportOptions(options));
    const plan = await withAutoencoders(chosen);
    const engine = await startEngine(options.engine, output);
    const workers = Math.min(options.jobs, availableParallelism());
    const jobs = resolveJobs(plan);
    const { only } = options;
    const result = await interruptible(async (signal) => {
      const execute = workerExecutor({ out, engine: engine.name, workers, signal, warn: (text) => output.warn(text) });
      try {
        return await runBenchmark({ out, plan, jobs, engine, workers, only, execute, progress: output, signal });
      } catch (error) {
        throw signal.aborted ? interruptedBy(signal, 'interrupted; the same command continues') : error;
      }
    });
    const { report, document } = await writeTransferReport(out, reportOptions(options, flags));
    const failed = result.failed.map(({ job, message }) => ({ key: job.key, kind: job.kind, message }));
    output.print(`${counted(result.trials, 'trial')}, ${counted(failed.length, 'job')} failed. Report: ${report}`);
    output.result({ out, report, document, trials: result.trials, done: result.done, failed });
    if (failed.length > 0) process.exitCode = 1;
  });
}

/** `learngene bench`: experiments that are too long for a test. */
export function benchCommand(): Command {
  const command = new Command('bench').description('Experiments: how methods compare, on real data, with seeds');
  command.addCommand(transferBench());
  return command;
}

import { availableParallelism } from 'node:os';
import { interruptedBy } from '@learngene/trainer';
import type { BenchmarkPlan } from '@learngene/transfer-benchmark';
import { Command } from 'commander';
import {
  type EngineOption,
  list,
  type OutputOptions,
  outputOf,
  refuseUnused,
  wholeNumber,
  withEngineOption,
  withOutputOptions,
} from '../cli/context';
import { UsageError } from '../cli/errors';
import { interruptSignal } from '../cli/interrupt';
import { loadTransferBenchmark } from '../cli/load-transfer-benchmark';
import { startEngine } from '../cli/start-engine';

interface TransferBenchOptions extends OutputOptions, EngineOption {
  plan?: string;
  quick: boolean;
  smoke: boolean;
  full: boolean;
  out?: string;
  jobs: number;
  only?: string[];
  dataPath: Record<string, string>;
  docs?: string;
  showPlan: boolean;
  reportOnly: boolean;
}

/** `fashion=/data/fashion-mnist`, collected by name. */
function dataPath(text: string, before: Record<string, string>): Record<string, string> {
  const at = text.indexOf('=');
  if (at <= 0) throw new UsageError(`--data-path: expected dataset=path, got ${text}`);
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** The plans that were asked for, as flags. */
function planFlags(options: TransferBenchOptions): string[] {
  const named = (['quick', 'smoke', 'full'] as const).filter((name) => options[name]).map((name) => `--${name}`);
  return options.plan === undefined ? named : [...named, `--plan ${options.plan}`];
}

async function chosenPlan(options: TransferBenchOptions): Promise<{ plan: BenchmarkPlan; flags: string }> {
  const { benchmarkPlans, parsePlan, readPlan } = await loadTransferBenchmark();
  const [flags, ...more] = planFlags(options);
  if (flags === undefined || more.length > 0) {
    throw new UsageError('give one of --plan FILE, --smoke, --quick and --full');
  }
  const name = flags.slice(2) as keyof typeof benchmarkPlans;
  const plan = options.plan === undefined ? parsePlan(benchmarkPlans[name], flags) : await readPlan(options.plan);
  for (const [name, path] of Object.entries(options.dataPath)) {
    if (!Object.hasOwn(plan.datasets, name)) {
      throw new UsageError(
        `--data-path: the plan has no dataset ${name}; it has ${Object.keys(plan.datasets).join(', ')}`,
      );
    }
    plan.datasets[name] = { ...plan.datasets[name], path };
  }
  return { plan, flags };
}

function neededFolder({ out }: TransferBenchOptions): string {
  if (out === undefined) throw new UsageError('--out: give the folder to write');
  return out;
}

function reportOptions({ docs, out }: TransferBenchOptions, flags?: string) {
  const command = flags === undefined ? {} : { command: `learngene bench transfer ${flags} --out ${out}` };
  return { ...command, ...(docs !== undefined && { docs }) };
}

function checkOnly(plan: BenchmarkPlan, only: readonly string[] | undefined): void {
  for (const method of only ?? []) {
    if (!plan.sweeps.some(({ methods }) => (methods as readonly string[]).includes(method))) {
      throw new UsageError(`--only: the plan has no trial of ${method}`);
    }
  }
}

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
    const { resolveJobs, runBenchmark, workerExecutor, writeTransferReport } = await loadTransferBenchmark();
    if (options.reportOnly) {
      refuseUnused(command, ['jobs', 'only', 'dataPath', 'engine', 'showPlan'], 'has no part in --report-only');
      const { summary, report, document } = await writeTransferReport(
        neededFolder(options),
        reportOptions(options, planFlags(options)[0]),
      );
      output.print(`${summary.done} trials. Report: ${report}`);
      output.result({ out: options.out, report, document, trials: summary.done });
      return;
    }
    const { plan, flags } = await chosenPlan(options);
    if (options.showPlan) {
      refuseUnused(command, ['jobs', 'only', 'out', 'docs', 'engine'], 'has no part in --show-plan');
      process.stdout.write(`${JSON.stringify(plan, null, 2)}\n`);
      return;
    }
    const out = neededFolder(options);
    checkOnly(plan, options.only);
    const engine = await startEngine(options.engine, output);
    const workers = Math.min(options.jobs, availableParallelism());
    const jobs = resolveJobs(plan);
    const { signal, release } = interruptSignal();
    try {
      const warn = (text: string) => output.warn(text);
      const execute = workerExecutor({ out, engine: engine.name, workers, signal, warn });
      const { only } = options;
      const result = await runBenchmark({ out, plan, jobs, engine, workers, only, execute, output, signal });
      const { report, document } = await writeTransferReport(out, reportOptions(options, flags));
      const failed = result.failed.map(({ job, message }) => ({ key: job.key, kind: job.kind, message }));
      output.print(`${result.trials} trials, ${failed.length} jobs failed. Report: ${report}`);
      output.result({ out, report, document, trials: result.trials, done: result.done, failed });
      if (failed.length > 0) process.exitCode = 1;
    } catch (error) {
      if (signal.aborted) throw interruptedBy(signal, 'interrupted; the same command continues');
      throw error;
    } finally {
      release();
    }
  });
}

/** `learngene bench`: experiments that are too long for a test. */
export function benchCommand(): Command {
  const command = new Command('bench').description('Experiments: how methods compare, on real data, with seeds');
  command.addCommand(transferBench());
  return command;
}

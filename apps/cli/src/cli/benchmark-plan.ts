import type { BenchmarkPlan } from '@learngene/transfer-benchmark';
import type { EngineOption, OutputOptions } from './context';
import { UsageError } from './errors';
import { loadTransferBenchmark } from './load-transfer-benchmark';

/** The options of `learngene bench transfer`. */
export interface TransferBenchOptions extends OutputOptions, EngineOption {
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
export function dataPath(text: string, before: Record<string, string>): Record<string, string> {
  const at = text.indexOf('=');
  if (at <= 0) throw new UsageError(`--data-path: expected dataset=path, got ${text}`);
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** The plans that were asked for, as flags. */
export function planFlags(options: TransferBenchOptions): string[] {
  const named = (['quick', 'smoke', 'full'] as const).filter((name) => options[name]).map((name) => `--${name}`);
  return options.plan === undefined ? named : [...named, `--plan ${options.plan}`];
}

/** The plan that was asked for, and the flags that name it. */
export async function chosenPlan(options: TransferBenchOptions): Promise<{ plan: BenchmarkPlan; flags: string }> {
  const { benchmarkPlans, parsePlan, readPlan, withDataPaths } = await loadTransferBenchmark();
  const [flags, ...more] = planFlags(options);
  if (flags === undefined || more.length > 0) {
    throw new UsageError('give one of --plan FILE, --smoke, --quick and --full');
  }
  const name = flags.slice(2) as keyof typeof benchmarkPlans;
  const plan = options.plan === undefined ? parsePlan(benchmarkPlans[name], flags) : await readPlan(options.plan);
  return { plan: withDataPaths(plan, options.dataPath), flags };
}

/** The folder to write, which must be given. */
export function neededFolder({ out }: TransferBenchOptions): string {
  if (out === undefined) throw new UsageError('--out: give the folder to write');
  return out;
}

/** What the report says of the call, and where else it goes. */
export function reportOptions({ docs, out }: TransferBenchOptions, flags?: string) {
  const command = flags === undefined ? {} : { command: `learngene bench transfer ${flags} --out ${out}` };
  return { ...command, ...(docs !== undefined && { docs }) };
}

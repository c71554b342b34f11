import { Command } from 'commander';
import { type CommonOptions, outputOf, wholeNumber, withCommonOptions } from '../cli/context';
import { duration } from '../cli/output';
import { fullPlan, quickPlan } from '../demo/plan';
import { runDemo } from '../demo/run-demo';
import { chooseEngine } from '../engines';

interface DemoOptions extends CommonOptions {
  out: string;
  full: boolean;
  steps?: number;
}

/** `learngene demo`: the main job on emoji, with a report. */
export function demoCommand(): Command {
  const command = new Command('demo')
    .description('Pre-train on emoji, take the model apart, teach it classes it has never seen, sample, score, report')
    .option('--out <folder>', 'folder to write; what is there is replaced', 'runs/demo')
    .option('--full', 'train as long as good pictures take (hours without a GPU)', false)
    .option('--steps <n>', 'pre-training steps', wholeNumber('--steps', 1));
  withCommonOptions(command, ['learngene demo', 'learngene demo --full --out runs/full', 'learngene demo --steps 200 --json']);
  return command.action(async (options: DemoOptions) => {
    const output = outputOf(options);
    const engine = await chooseEngine(options.engine, output);
    if (engine.name === 'cpu') output.warn('plain JavaScript takes hours here; --engine wasm takes minutes');
    const plan = options.full ? fullPlan : quickPlan;
    const { training } = plan.config;
    const result = await runDemo(
      { ...plan, config: { ...plan.config, training: { ...training, steps: options.steps ?? training?.steps } } },
      { out: options.out, engine: engine.name, seed: options.seed ?? 0, output },
    );
    const { pretraining, novel, seconds } = result;
    output.print(`\nDone in ${duration(seconds.total)} on ${engine.name}`);
    output.print(`Pre-training classes: FID ${pretraining.fid.toFixed(2)} (noise ${pretraining.noiseFid.toFixed(2)}), ${(100 * pretraining.classAccuracy).toFixed(0)} % taken for their class`);
    output.print(`Novel classes:        FID ${novel.fid.toFixed(2)} (noise ${novel.noiseFid.toFixed(2)}), ${(100 * novel.classAccuracy).toFixed(0)} % taken for their class`);
    output.print(`Report: ${result.report}`);
    output.result(result);
  });
}

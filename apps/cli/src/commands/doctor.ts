import os from 'node:os';
import { productRate } from '@learngene/engines';
import { engines } from '@learngene/engines/node';
import * as tf from '@tensorflow/tfjs-core';
import { Command } from 'commander';
import pc from 'picocolors';
import { type EngineOption, type OutputOptions, outputOf, withEngineOption, withOutputOptions } from '../cli/context';
import { errorLine } from '../cli/errors';

interface EngineReport {
  name: string;
  loads: boolean;
  detail: string;
  remedy?: string;
  gemmGflops?: number;
}

/** `learngene doctor`: which engines load here, and how fast they are. */
export function doctorCommand(): Command {
  const command = new Command('doctor').description(
    'Show which engines load here, why the others do not, and their speed',
  );
  withEngineOption(command, 'look at this engine only; auto: at all');
  withOutputOptions(command, ['learngene doctor', 'learngene doctor --engine native --json']);
  return command.action(async (options: OutputOptions & EngineOption) => {
    const output = outputOf(options);
    const reports: EngineReport[] = [];
    const wanted = engines.filter(({ name }) => options.engine === 'auto' || name === options.engine);
    for (const engine of wanted) {
      try {
        const load = await engine.load();
        if (!load.ok) {
          reports.push({ name: engine.name, loads: false, detail: load.reason, remedy: load.remedy });
          continue;
        }
        output.info(`${engine.name}: measuring matrix products for about a second`);
        await tf.setBackend(load.backend);
        await tf.ready();
        reports.push({ name: engine.name, loads: true, detail: load.detail, gemmGflops: await productRate() });
      } catch (error) {
        reports.push({ name: engine.name, loads: false, detail: errorLine(error) });
      }
    }
    const machine = {
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      cpu: os.cpus()[0]?.model ?? 'unknown',
      threads: os.availableParallelism(),
      memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    };
    output.print(
      `Node ${machine.node}, ${machine.platform}, ${machine.cpu}, ${machine.threads} threads, ${machine.memoryGiB} GiB`,
    );
    for (const report of reports) {
      const mark = report.loads ? pc.green('yes') : pc.red('no ');
      const speed = report.gemmGflops === undefined ? '' : `, ${report.gemmGflops.toPrecision(3)} GFLOP/s`;
      output.print(`${mark} ${report.name.padEnd(14)} ${report.detail}${speed}`);
      if (report.remedy !== undefined) output.print(`    ${pc.dim(`to use it: ${report.remedy}`)}`);
    }
    output.result({ machine, engines: reports });
  });
}

import os from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { Command } from 'commander';
import pc from 'picocolors';
import { type CommonOptions, outputOf, withCommonOptions } from '../cli/context';
import { engines } from '../engines';

interface EngineReport {
  name: string;
  loads: boolean;
  detail: string;
  remedy?: string;
  gemmGflops?: number;
}

/** Multiplies square matrices for about a second; GFLOP/s of the best repetition. */
async function gemmSpeed(): Promise<number> {
  let size = 256;
  let best = 0;
  const started = performance.now();
  while (performance.now() - started < 1000) {
    const a = tf.ones([size, size]);
    const b = tf.ones([size, size]);
    const begin = performance.now();
    const product = tf.matMul(a, b);
    await product.data();
    const seconds = (performance.now() - begin) / 1000;
    tf.dispose([a, b, product]);
    best = Math.max(best, (2 * size ** 3) / seconds / 1e9);
    if (seconds < 0.02 && size < 4096) size *= 2;
  }
  return best;
}

/** `learngene doctor`: which engines load here, and how fast they are. */
export function doctorCommand(): Command {
  const command = new Command('doctor').description(
    'Show which engines load here, why the others do not, and their speed',
  );
  withCommonOptions(command, ['learngene doctor', 'learngene doctor --json']);
  return command.action(async (options: CommonOptions) => {
    const output = outputOf(options);
    const reports: EngineReport[] = [];
    for (const engine of engines) {
      const load = await engine.load();
      if (!load.ok) {
        reports.push({ name: engine.name, loads: false, detail: load.reason, remedy: load.remedy });
      } else {
        try {
          output.info(`${engine.name}: measuring matrix products for a second`);
          await tf.setBackend(load.backend);
          await tf.ready();
          reports.push({ name: engine.name, loads: true, detail: load.detail, gemmGflops: await gemmSpeed() });
        } catch (error) {
          reports.push({
            name: engine.name,
            loads: false,
            detail: error instanceof Error ? error.message : String(error),
          });
        }
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

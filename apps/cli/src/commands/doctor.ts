import type { EngineReport } from '@learngene/engines';
import { describeMachine, examineEngine, NODE_ENGINES } from '@learngene/engines/node';
import { counted } from '@learngene/pipeline';
import { Command } from 'commander';
import pc from 'picocolors';
import { type EngineOption, type OutputOptions, outputOf, withEngineOption, withOutputOptions } from '../cli/context';

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
    for (const { name } of NODE_ENGINES.filter(({ name }) => options.engine === 'auto' || name === options.engine)) {
      const onMeasure = () => output.info(`${name}: measuring matrix products for about a second`);
      reports.push(await examineEngine(name, { onMeasure }));
    }
    const machine = describeMachine();
    const threads = counted(machine.threads, 'thread');
    output.print(`Node ${machine.node}, ${machine.platform}, ${machine.cpu}, ${threads}, ${machine.memoryGiB} GiB`);
    for (const report of reports) {
      const mark = report.loads ? pc.green('yes') : pc.red('no ');
      const speed = report.gemmGflops === undefined ? '' : `, ${report.gemmGflops.toPrecision(3)} GFLOP/s`;
      output.print(`${mark} ${report.name.padEnd(14)} ${report.detail}${speed}`);
      if (report.remedy !== undefined) output.print(`    ${pc.dim(`to use it: ${report.remedy}`)}`);
    }
    output.result({ machine, engines: reports });
  });
}

import { sections } from './catalog';
import { type ResultHeader, type ResultRow, type Results, runOf } from './result';
import { geometricMean } from './statistics';

/** Three significant digits with a unit: 1.23 s, 45.6 ms, 789 µs, 512 MiB. */
export function formatAmount(value: number, unit: 'ms' | 'MiB' = 'ms'): string {
  if (unit === 'MiB') return `${value.toFixed(0)} MiB`;
  if (value >= 1000) return `${digits(value / 1000)} s`;
  if (value >= 1) return `${digits(value)} ms`;
  return `${digits(value * 1000)} µs`;
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** The ratio with its goal, and a mark where the goal is not met. */
export function formatRatio({ ratio, goal }: Pick<ResultRow, 'ratio' | 'goal'>): string {
  if (ratio === null) return '';
  const shown = `${ratio.toFixed(2)}x`;
  if (goal === undefined) return shown;
  return ratio >= goal ? `**${shown}** (goal ${goal.toFixed(2)})` : `${shown} (goal ${goal.toFixed(2)}, missed)`;
}

/** The geometric mean and the least ratio of rows with a peer; undefined without any. */
export function overall(rows: readonly ResultRow[]): { mean: number; least: number } | undefined {
  const ratios = rows.flatMap(({ ratio }) => (ratio === null ? [] : [ratio]));
  return ratios.length === 0 ? undefined : { mean: geometricMean(ratios), least: Math.min(...ratios) };
}

/** All rows as Markdown tables, a section each. */
export function markdownTables(rows: readonly ResultRow[]): string {
  return sections
    .flatMap((section) => {
      const own = rows.filter((row) => row.section === section);
      return own.length === 0 ? [] : [`### ${section}\n\n${markdownTable(own)}${summaryOf(section, own)}`];
    })
    .join('\n');
}

function summaryOf(section: string, rows: readonly ResultRow[]): string {
  if (section !== 'Matrix products') return '';
  return ['f32', 'bf16']
    .flatMap((precision) => {
      const total = overall(rows.filter(({ name }) => name.endsWith(' bf16') === (precision === 'bf16')));
      return total
        ? [`\n${precision}: geometric mean ${total.mean.toFixed(2)}x, least ${total.least.toFixed(2)}x.\n`]
        : [];
    })
    .join('');
}

function markdownTable(rows: readonly ResultRow[]): string {
  const lines = rows.map((row) => {
    const amount = (median: number | null, best: number | null) =>
      median === null
        ? ''
        : row.unit || best === null
          ? formatAmount(median, row.unit)
          : `${formatAmount(median)} / ${formatAmount(best)}`;
    const cells = [
      row.name,
      amount(row.oursMs, row.oursBestMs),
      row.peer ?? '',
      amount(row.peerMs, row.peerBestMs),
      formatRatio(row),
      row.bestRatio === null || row.unit ? '' : `${row.bestRatio.toFixed(2)}x`,
      [row.note, rateOf(row)].filter((text) => text !== '').join('; '),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const head = '| work | ours | peer | peer’s | ratio | of best | note |\n|---|---|---|---|---|---|---|';
  return `${head}\n${lines.join('\n')}\n`;
}

/** How near the work comes to the rate of a product. */
function rateOf({ rate, rateGoal, productRate, shareGoal }: ResultRow): string {
  if (rate === undefined || productRate === undefined) return '';
  const share = rate / productRate;
  const [own, of] = [reached(rate, rateGoal, 0), reached(share, shareGoal, 2)];
  return `${rate.toFixed(0)} GFLOP/s${own}, ${share.toFixed(2)}${of} of one large product in the same run (${productRate.toFixed(0)})`;
}

/** What a goal was, and whether it was met. */
function reached(value: number, goal: number | undefined, digits: number): string {
  if (goal === undefined) return '';
  return ` (goal ${goal.toFixed(digits)}${value >= goal ? '' : ', missed'})`;
}

/** The runs, newest first, a paragraph each; an earlier one says of what it differs from the newest in. */
export function markdownHeader(results: Results): string {
  const { header, earlier = [], rows } = results;
  const about = describeRun(header);
  const older = earlier.toReversed().map((run) => {
    const own = rows.filter((row) => runOf(row, results) === run).length;
    const when = `${own} of ${rows.length} rows are from an earlier run, ${run.date.slice(0, 10)} at commit ${run.commit}${run.quick ? ' with `--quick`' : ''}`;
    const other = describeRun(run).filter((line, i) => line !== about[i]);
    return other.length === 0
      ? `${when}, on the same machine with the same versions.`
      : [`${when}:`, ...other].join('\n');
  });
  const { commit, date, quick } = header;
  const measured = `Measured ${date.slice(0, 10)} at commit ${commit}${quick ? ' with `--quick`' : ''}.`;
  return [[...about, measured].join('\n'), ...older].join('\n\n');
}

/** Says of rows of earlier runs when they were measured, and on what processor where it was another. */
export function notedRows(results: Results): ResultRow[] {
  const { header } = results;
  return results.rows.map((row) => {
    const run = runOf(row, results);
    if (run === header) return row;
    const elsewhere = run.machine.cpu === header.machine.cpu ? '' : ` on ${run.machine.cpu}`;
    return { ...row, note: [row.note, `measured ${row.at.slice(0, 10)}${elsewhere}`].filter(Boolean).join('; ') };
  });
}

/** The machine, the engine and the versions of a run, a line each. */
function describeRun({ machine, threads, engine, versions }: ResultHeader): string[] {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}; ${threads} threads for both sides.`,
    `Ours: engine ${engine.name} (${engine.detail}).`,
    `Versions: ${programs.join(', ')}.`,
  ];
}

import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { counted } from '@learngene/pipeline';
import { reportMarkdown, reportPage, type Section } from '@learngene/report';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import { checkParents, checkWritable } from '@learngene/trainer/node';
import { checkOptions, checkText } from '../check-options';
import { type Results, readResults } from './read-results';
import { reportSections } from './sections';
import { summariseResults } from './summarise';
import type { TransferSummary } from './summary-types';

/** Settings of {@link writeTransferReport}. */
export interface TransferReportOptions {
  /** A folder to write a Markdown document with its charts and images to as well (docs/results). */
  docs?: string;
  /** The command that repeats the benchmark, as a user types it. */
  command?: string;
}

/** What {@link writeTransferReport} wrote. */
export interface TransferReport {
  /** The results, summed up. */
  summary: TransferSummary;
  /** The page. */
  report: string;
  /** The Markdown document, where one was asked for. */
  document?: string;
}

/** The plan's name; without a plan that of the folder. */
function nameOf({ plan, folder }: Results): string {
  return plan?.name ?? basename(resolve(folder));
}

const [start, end] = ['<!-- results -->', '<!-- /results -->'];

/** Puts generated text between the marks of a document; a new document is made of the text alone. */
export function replaceResults(document: string | undefined, text: string, title: string): string {
  const marked = `${start}\n${text.trim()}\n${end}`;
  if (document === undefined) return `# ${title}\n\n${marked}\n`;
  const [from, to] = [document.indexOf(start), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`document: expected the marks ${start} and ${end}, got neither in order`);
  return document.slice(0, from) + marked + document.slice(to + end.length);
}

async function writeDocument(docs: string, title: string, name: string, sections: readonly Section[]): Promise<string> {
  const { text, assets } = reportMarkdown(sections, { folder: name });
  const shown = join(docs, name);
  await mkdir(shown, { recursive: true });
  const stale = (await readdir(shown)).filter((file) => /\.(svg|png)$/.test(file) && !assets.has(`${name}/${file}`));
  for (const file of stale) await rm(join(shown, file));
  for (const [path, bytes] of assets) await writeFileAtomic(join(docs, path), bytes);
  const path = documentPath(docs, name);
  await writeFileAtomic(path, replaceResults(await documentAt(path), text, title));
  return path;
}

const documentPath = (docs: string, name: string) => join(docs, `${name}.md`);

const documentAt = (path: string) => readFile(path, 'utf8').catch(() => undefined);

/**
 * Checks where the document of a benchmark will be written before any work.
 *
 * @param name - the plan's name.
 * @throws ConfigError for a file in the place of a folder; Error where it may not be written, or a document there lacks the marks
 */
export async function checkDocument(docs: string, name: string): Promise<void> {
  checkParents(join(docs, name), 'docs');
  for (const folder of [docs, join(docs, name)]) checkWritable(folder);
  const path = documentPath(docs, name);
  try {
    replaceResults(await documentAt(path), '', name);
  } catch (error) {
    throw new Error(path, { cause: error });
  }
}

/**
 * Writes `summary.json` and `report.html` of a benchmark's folder, finished or not.
 *
 * With `docs` also `<plan's name>.md` there, with its charts and images in a folder of the same name, where older
 * ones are removed. The text outside of the marks `<!-- results -->` and `<!-- /results -->` of that document is kept.
 *
 * @throws RangeError for an unknown option; Error where there is no such folder, or where the document lacks the marks
 */
export async function writeTransferReport(
  folder: string,
  options: TransferReportOptions = {},
): Promise<TransferReport> {
  checkText('folder', folder);
  checkOptions(options, ['docs', 'command']);
  const { docs, command } = options;
  const results = await readResults(folder);
  const summary = summariseResults(results);
  await writeFileAtomic(join(folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  const name = nameOf(results);
  const title = `KIND against other ways to learn new classes: ${name}`;
  const report = join(folder, 'report.html');
  const sections = await reportSections(results, summary, { command });
  await writeFileAtomic(
    report,
    reportPage(title, `learngene bench transfer, ${counted(summary.done, 'trial')}`, sections),
  );
  if (docs === undefined) return { summary, report };
  const brief = await reportSections(results, summary, { command, brief: true });
  return { summary, report, document: await writeDocument(docs, title, name, brief) };
}

import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { lockFolder } from '@learngene/tensor-io/node';
import { ConfigError } from '../../errors';
import { nearestWord } from '../../nearest-word';
import { noProgress, type Progress } from '../../progress';
import { type HubAddress, isHubAddress, parseHubAddress } from './address';
import { downloadBlob, WrongContentError } from './download-blob';
import { installedBundle } from './installed-bundle';
import { clientArguments, type HubClient, hubError, listRepository, reasonOf, UnreachableError } from './repository';
import { type HubEnvironment, type HubSettings, hubSettings } from './settings';
import { type HubFile, isModelJson, isWeights, modelFiles } from './wanted-files';

/** Options of {@link modelPath}. */
export interface ModelPathOptions {
  /** Receives messages and the progress of a download (default: none). */
  readonly progress?: Progress;
  /** The option or argument that gave the path, for messages (default `path`). */
  readonly argument?: string;
  /**
   * Variables that say how the Hub is reached (default: those of the process): `HF_HUB_CACHE` or `HF_HOME`, `HF_ENDPOINT`,
   * `HF_TOKEN`, and `HF_HUB_OFFLINE=1`, with which nothing is fetched.
   */
  readonly environment?: HubEnvironment;
}

/** A call of {@link modelPath}. */
interface Request {
  readonly address: HubAddress;
  /** How messages begin. */
  readonly name: string;
  readonly argument: string;
  readonly settings: HubSettings;
  readonly progress: Progress;
  /** The folder of the repository in the cache. */
  readonly storage: string;
}

/** Downloads of this process, by repository: one at a time. */
const running = new Map<string, Promise<unknown>>();

/**
 * The path of a model on this machine: of an installed npm package that holds a bundle its folder, of another path itself, and of
 * an address of the Hugging Face Hub,
 * `hf://owner/name[@revision][/file]`: its files are fetched into the cache that `huggingface_hub` of Python has too. A download that
 * broke is continued; each file is checked by the hash that the repository has of it. Where the Hub cannot be reached, what is in
 * the cache is taken, and a message says so.
 *
 * @throws ConfigError for a wrong address, a repository or a file that is not there, content of another hash, and without a
 *   connection, naming the file and where to put it
 */
export async function modelPath(path: string, options: ModelPathOptions = {}): Promise<string> {
  const { progress = noProgress, argument = 'path', environment = process.env } = options;
  if (!isHubAddress(path)) return installedBundle(path, argument);
  const address = parseHubAddress(path, argument);
  const settings = hubSettings(environment);
  const storage = join(settings.cache, ['models', ...address.repository.split('/')].join('--'));
  const request = { address, name: `${argument} ${path}`, argument, settings, progress, storage };
  const before = running.get(storage) ?? Promise.resolve();
  const mine = before.catch(() => {}).then(() => fetched(request));
  running.set(storage, mine);
  try {
    return await mine;
  } finally {
    if (running.get(storage) === mine) running.delete(storage);
  }
}

async function fetched(request: Request): Promise<string> {
  const { address, settings, progress, name, storage } = request;
  if (settings.offline) return cached(request, 'HF_HUB_OFFLINE is set');
  const hub: HubClient = await import('@huggingface/hub');
  try {
    const { commit, files } = await listRepository(hub, address, { settings, name });
    const wanted = wantedFiles(request, files);
    const snapshot = join(storage, 'snapshots', commit);
    await fetchFiles(request, { hub, commit, wanted });
    await writeRef(storage, address.revision, commit);
    return localPath(
      snapshot,
      address.path,
      wanted.map(({ path }) => path),
    );
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    const path = await cached(request, error.message);
    progress.warn(`${name}: ${error.message}; what is in the cache is taken: ${path}`);
    return path;
  }
}

/** A file itself, or a folder; a repository of one file of weights is that file. */
function localPath(snapshot: string, path: string | undefined, names: readonly string[]): string {
  if (path !== undefined) return join(snapshot, path);
  const [first, ...more] = names;
  return more.length === 0 && isWeights(first) ? join(snapshot, first) : snapshot;
}

function wantedFiles({ address: { path }, name, argument }: Request, files: readonly HubFile[]): HubFile[] {
  const refuse = (text: string, choices?: string[]) => new ConfigError(`${name}: ${text}`, { argument, choices });
  const file = files.find((each) => each.path === path);
  if (file !== undefined) return [file];
  const wanted = modelFiles(files, path === undefined ? '' : `${path}/`);
  if (wanted.length === 0) {
    const names = files.map((each) => each.path);
    const near = path === undefined ? undefined : nearestWord(path, names);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    throw refuse(path === undefined ? 'holds no JSON and no weights' : `there is no such file or folder in it${hint}`);
  }
  if (path !== undefined || wanted.length === 1 || wanted.some((each) => isModelJson(each.path))) return wanted;
  const weights = wanted.map((each) => each.path).filter(isWeights);
  if (weights.length === 1) return wanted.filter((each) => isWeights(each.path));
  throw refuse(
    `holds several files and no model's config.json; name one of ${weights.slice(0, 10).join(', ')}`,
    weights,
  );
}

async function fetchFiles(
  request: Request,
  { hub, commit, wanted }: { hub: HubClient; commit: string; wanted: readonly HubFile[] },
): Promise<void> {
  const { storage, settings, address, name, progress } = request;
  const snapshot = join(storage, 'snapshots', commit);
  const missing = wanted.filter(({ path }) => !existsSync(join(snapshot, path)));
  if (missing.length === 0) return;
  await mkdir(storage, { recursive: true });
  const release = await lockFolder(storage);
  try {
    for (const file of missing) {
      const blob = join(storage, 'blobs', file.hash.hex);
      if ((await stat(blob).catch(() => undefined))?.size !== file.size) {
        const url = `${settings.endpoint}/${address.repository}/resolve/${commit}/${file.path.split('/').map(encodeURIComponent).join('/')}`;
        await rm(blob, { force: true });
        await fetchBlob(request, { hub, file, blob, url, commit });
      }
    }
    // A snapshot gets its files when all are there.
    for (const file of missing) await linkFile(join(storage, 'blobs', file.hash.hex), join(snapshot, file.path));
  } catch (error) {
    throw error instanceof UnreachableError || error instanceof ConfigError
      ? error
      : new ConfigError(`${name}: ${reasonOf(error)}`);
  } finally {
    await release();
  }
  progress.info(`${name}: ${snapshot}`);
}

async function fetchBlob(
  request: Request,
  { hub, file, blob, url, commit }: { hub: HubClient; file: HubFile; blob: string; url: string; commit: string },
): Promise<void> {
  const { settings, address, name, progress } = request;
  const bar = progress.startBar(file.path, Math.max(1, Math.ceil(file.size / 1e6)), 'MB');
  try {
    const content = await hub.downloadFile({
      ...clientArguments(settings),
      repo: address.repository,
      path: file.path,
      revision: commit,
      xet: false,
      downloadInfo: { size: file.size, etag: file.hash.hex, url },
    });
    if (content === null) throw new ConfigError(`${name}: ${file.path}: there is no such file`);
    await downloadBlob({
      file,
      target: blob,
      open: (start) => (start === 0 ? content : content.slice(start)).stream() as ReadableStream<Uint8Array>,
      onBytes: (bytes) => bar.update(Math.floor(bytes / 1e6)),
    });
  } catch (error) {
    if (error instanceof WrongContentError) throw new ConfigError(`${name}: ${file.path}: ${error.message}`);
    const { message } = hubError(hub, error, { settings, name });
    throw new ConfigError(`${name}: ${file.path}: ${message}; what was fetched is kept, and a further call goes on`);
  } finally {
    bar.stop();
  }
}

/** Makes a file of the snapshot of its content: a link, as `huggingface_hub` does, or a copy where there are none. */
async function linkFile(blob: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  try {
    await symlink(relative(dirname(path), blob), path);
  } catch {
    await copyFile(blob, `${path}.incomplete`);
    await rename(`${path}.incomplete`, path);
  }
}

async function writeRef(storage: string, revision: string, commit: string): Promise<void> {
  const file = join(storage, 'refs', revision);
  if (revision === commit || (await readRef(file)) === commit) return;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, commit);
}

async function readRef(file: string): Promise<string | undefined> {
  const text = (await readFile(file, 'utf8').catch(() => '')).trim();
  return /^[0-9a-f]{40}$/.test(text) ? text : undefined;
}

/** What the cache has of an address: the commit that its revision was last, or what a person put there by hand. */
async function cached(request: Request, why: string): Promise<string> {
  const { address, storage, settings, name, argument } = request;
  const { revision, path, repository } = address;
  const commit = (await readRef(join(storage, 'refs', revision))) ?? revision;
  const snapshot = join(storage, 'snapshots', commit);
  const found = path === undefined ? snapshot : join(snapshot, path);
  if (existsSync(found)) return localPath(snapshot, path, path === undefined ? await readdir(snapshot) : []);
  const what = path ?? 'the files of the repository';
  const page = `${settings.endpoint}/${repository}/${path === undefined ? 'tree' : 'resolve'}/${revision}${path === undefined ? '' : `/${path}`}`;
  throw new ConfigError(
    `${name}: ${why}, and the cache does not have ${what}; fetch ${page} elsewhere and put it at ${found}, or give its path`,
    { argument },
  );
}

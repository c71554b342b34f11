import { ConfigError } from '../../errors';
import { type HubAddress, isRepositoryPath } from './address';
import type { HubSettings } from './settings';
import type { HubFile } from './wanted-files';

/** The client of the Hub. It is loaded only when something is to be fetched. */
export type HubClient = typeof import('@huggingface/hub');

/** A revision of a repository. */
export interface Repository {
  /** The commit that the revision is now. */
  readonly commit: string;
  /** All its files. */
  readonly files: readonly HubFile[];
}

/** The most files of a repository that are listed. */
const MOST_FILES = 20_000;

/** The Hub, or the way to it, failed: what is in the cache may do instead. */
export class UnreachableError extends Error {}

/** What is sent with every request: the token goes to the Hub alone, whatever host it leads to. */
function hubFetch({ endpoint }: HubSettings): typeof fetch {
  const { origin } = new URL(endpoint);
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init?.headers);
    if (url.origin !== origin) headers.delete('authorization');
    const response = await fetch(url, { ...init, headers });
    const isPart = headers.has('range') && response.status === 200;
    if (isPart) await response.body?.cancel();
    if (isPart) throw new Error(`${url.host} sends whole files where a part is asked for`);
    return response;
  };
}

/** The arguments of the client that are the same in all its calls. */
export function clientArguments(settings: HubSettings) {
  const { endpoint, token } = settings;
  return { hubUrl: endpoint, fetch: hubFetch(settings), ...(token !== undefined && { accessToken: token }) };
}

/**
 * Asks the Hub which commit a revision is, and which files it has.
 *
 * @param name - how messages begin.
 * @throws UnreachableError where the Hub does not answer; ConfigError where it refuses, and for an answer that cannot be
 */
export async function listRepository(
  hub: HubClient,
  { repository, revision }: HubAddress,
  { settings, name }: { settings: HubSettings; name: string },
): Promise<Repository> {
  const common = clientArguments(settings);
  try {
    const { sha } = await hub.modelInfo({ ...common, name: repository, revision, additionalFields: ['sha'] });
    const commit: unknown = sha;
    if (typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit)) {
      throw new ConfigError(`${name}: the Hub names no commit (expected 40 hexadecimal digits)`);
    }
    const files: HubFile[] = [];
    for await (const entry of hub.listFiles({ ...common, repo: repository, revision: commit, recursive: true })) {
      if (entry.type === 'file') files.push(checkedFile(entry, name));
      if (files.length > MOST_FILES) throw new ConfigError(`${name}: expected at most ${MOST_FILES} files, got more`);
    }
    return { commit, files };
  } catch (error) {
    throw hubError(hub, error, { settings, name });
  }
}

interface Entry {
  path: string;
  size: number;
  oid?: string;
  lfs?: { oid: string; size: number };
}

function checkedFile({ path, size, oid, lfs }: Entry, name: string): HubFile {
  const shown = JSON.stringify(String(path).slice(0, 200));
  if (typeof path !== 'string' || !isRepositoryPath(path)) {
    throw new ConfigError(`${name}: expected names of files below the repository, got ${shown}`);
  }
  const bytes = lfs?.size ?? size;
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    throw new ConfigError(`${name}: ${shown}: expected a size in bytes, got ${JSON.stringify(bytes)}`);
  }
  const hex = lfs?.oid ?? oid;
  if (typeof hex !== 'string' || !(lfs === undefined ? /^[0-9a-f]{40}$/ : /^[0-9a-f]{64}$/).test(hex)) {
    throw new ConfigError(`${name}: ${shown}: expected a hash, got ${JSON.stringify(hex)?.slice(0, 80)}`);
  }
  return { path, size: bytes, hash: { kind: lfs === undefined ? 'git' : 'sha256', hex } };
}

/** An error of the client in words, which hold no token, whatever the server put into its answer. */
export function hubError(
  hub: HubClient,
  error: unknown,
  { settings, name }: { settings: HubSettings; name: string },
): Error {
  if (error instanceof ConfigError) return error;
  const { token } = settings;
  const plain = (text: string) => (token === undefined ? text : text.replaceAll(token, '***')).slice(0, 300);
  if (!(error instanceof hub.HubApiError)) return new UnreachableError(plain(reasonOf(error)));
  const { statusCode } = error;
  if (statusCode >= 500 || statusCode === 429) return new UnreachableError(`the Hub answers with status ${statusCode}`);
  const why = plain(error.message.split('\n', 1)[0]);
  if (statusCode === 401 || statusCode === 403 || statusCode === 404) {
    const cure = token === undefined ? 'a private or gated one needs HF_TOKEN' : 'HF_TOKEN has no right to it';
    return new ConfigError(
      `${name}: there is no such repository or revision, or ${cure} (status ${statusCode}: ${why})`,
    );
  }
  return new ConfigError(`${name}: the Hub refuses (status ${statusCode}: ${why})`);
}

/** Why a connection failed; Node puts the reason below a plain "fetch failed". */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const below = cause instanceof AggregateError ? cause.errors[0] : cause;
  return below instanceof Error ? `${error.message}: ${below.message}` : error.message;
}

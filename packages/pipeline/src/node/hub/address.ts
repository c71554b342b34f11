import { ConfigError } from '../../errors';

/** A model on the Hugging Face Hub, as `hf://owner/name[@revision][/file]` names it. */
export interface HubAddress {
  /** The repository: `owner/name`. */
  readonly repository: string;
  /** A branch, a tag, a commit or `refs/pr/N` (default `main`). */
  readonly revision: string;
  /** A file or a folder in it; undefined stands for the whole repository. */
  readonly path?: string;
}

const SCHEME = 'hf://';
const NAME = /^[A-Za-z0-9](?:[\w.-]{0,94}[\w-])?$/;

/** Repositories of these kinds have the kind before their name; `hf://` of a model has none. */
const OTHER_KINDS = ['datasets', 'spaces', 'buckets'];

/** Whether a path is an address of the Hub. */
export function isHubAddress(path: string): boolean {
  return path.startsWith(SCHEME);
}

/** Whether a name in a repository is one of a file below its folder, on every system, and in a URL too. */
export function isRepositoryPath(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (path === '' || path.length > 1024 || /[\u0000-\u001f\u007f\\:*?"<>|#%]/.test(path)) return false;
  return path.split('/').every((part) => part !== '' && !/^\.\.?$/.test(part) && !/[. ]$/.test(part));
}

const isName = (name: string) => NAME.test(name) && !/\.\.|--|\.git$/.test(name);

/**
 * Parses an address of the Hub. A slash in a revision is written as `%2F`, but in `refs/pr/N`.
 *
 * @param argument - what gave it, for messages.
 * @throws ConfigError that says which part is wrong
 */
export function parseHubAddress(text: string, argument: string): HubAddress {
  const refuse = (expected: string, got: string) => {
    const shown = JSON.stringify(got.slice(0, 80));
    return new ConfigError(`${argument}: expected hf://owner/name[@revision][/file]; ${expected}, got ${shown}`, {
      argument,
    });
  };
  const match = /^hf:\/\/([^/@]*)\/([^/@]*)(?:@(refs\/pr\/\d+|[^/]*))?(?:\/(.*))?$/s.exec(text);
  if (match === null) throw refuse('the name of a repository has two parts', text);
  const [, owner, name, encoded = 'main', path] = match;
  if (OTHER_KINDS.includes(owner)) throw refuse('a repository of models', text);
  if (!isName(owner) || !isName(name)) throw refuse('names are of letters, digits, _, - and .', `${owner}/${name}`);
  const revision = decoded(encoded);
  if (revision === undefined || !/^[\w.][\w./+-]{0,254}$/.test(revision) || !isRepositoryPath(revision)) {
    throw refuse('a revision is a branch, a tag or a commit', encoded);
  }
  const file = path === undefined ? '' : path.replace(/\/$/, '');
  if (file !== '' && !isRepositoryPath(file)) throw refuse('a file lies in the repository', file);
  return { repository: `${owner}/${name}`, revision, ...(file !== '' && { path: file }) };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

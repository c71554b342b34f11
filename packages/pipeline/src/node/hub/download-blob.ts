import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { HubFile } from './wanted-files';

/** Connections that may break one after another before a download is given up. */
const MOST_BREAKS = 5;

/** What a download is given. */
export interface BlobDownload {
  /** The file, with its size and its hash. */
  readonly file: HubFile;
  /** Where it is written to; what was fetched of it before lies beside it, with the ending `.incomplete`. */
  readonly target: string;
  /** The bytes from a place on. */
  readonly open: (start: number) => ReadableStream<Uint8Array>;
  /** Receives how many bytes are there. */
  readonly onBytes: (bytes: number) => void;
}

/** The content is not what the repository says; nothing of it is kept. */
export class WrongContentError extends Error {}

/**
 * Fetches a file to disk, from where an earlier download of it ended. It appears under its name when all of it is there and
 * its hash is right. Where a part of an earlier time turns out to be damaged, all of it is fetched anew.
 *
 * @throws Error that says how the content differs, or why the connection broke; what was fetched is kept in the latter case
 */
export async function downloadBlob(download: BlobDownload): Promise<void> {
  const partial = `${download.target}.incomplete`;
  await mkdir(dirname(partial), { recursive: true });
  const before = await sizeOf(partial);
  try {
    await fetchRest(download, partial);
  } catch (error) {
    if (!(error instanceof WrongContentError) || before === 0) throw error;
    await fetchRest(download, partial);
  }
  await rename(partial, download.target);
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

async function fetchRest(download: BlobDownload, partial: string): Promise<void> {
  const { file, open, onBytes } = download;
  for (let breaks = 0; ; ) {
    const start = await sizeOf(partial);
    if (start >= file.size) break;
    try {
      const bytes = Readable.fromWeb(open(start) as Parameters<typeof Readable.fromWeb>[0]);
      await pipeline(bytes, counted(start, file, onBytes), createWriteStream(partial, { flags: 'a' }));
      if ((await sizeOf(partial)) < file.size) throw new Error('the connection ended before the file did');
    } catch (error) {
      if (error instanceof WrongContentError) await rm(partial, { force: true });
      breaks = (await sizeOf(partial)) > start ? 1 : breaks + 1;
      if (error instanceof WrongContentError || breaks >= MOST_BREAKS) throw error;
    }
  }
  if (file.size === 0) await pipeline(Readable.from([]), createWriteStream(partial));
  const hex = await hashOf(partial, file);
  if (hex === file.hash.hex) return;
  await rm(partial, { force: true });
  const name = file.hash.kind === 'sha256' ? 'sha256' : 'git hash';
  throw new WrongContentError(`expected content of ${name} ${file.hash.hex}, got ${hex}`);
}

/** Passes bytes on, and refuses more than the file has. */
function counted(start: number, file: HubFile, onBytes: (bytes: number) => void): Transform {
  let bytes = start;
  return new Transform({
    transform(chunk: Uint8Array, _, done) {
      bytes += chunk.length;
      if (bytes > file.size) return done(new WrongContentError(`expected ${file.size} bytes, got more`));
      onBytes(bytes);
      done(null, chunk);
    },
  });
}

/** The hash of a file as the repository gives it: sha256 of large files, git's of a blob for the others. */
async function hashOf(path: string, { size, hash }: HubFile): Promise<string> {
  const digest: Hash = createHash(hash.kind === 'sha256' ? 'sha256' : 'sha1');
  if (hash.kind === 'git') digest.update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path)) digest.update(chunk as Uint8Array);
  return digest.digest('hex');
}

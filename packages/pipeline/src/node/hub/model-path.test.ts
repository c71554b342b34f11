import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type HubServer, type HubServerOptions, hubServer } from '../../../test/hub-server';
import { ConfigError } from '../../errors';
import { readAutoencoder } from '../autoencoder';
import { describeSource } from '../path-source';
import { type ModelPathOptions, modelPath } from './model-path';

const work = temporaryFolder('hub');
const servers: HubServer[] = [];
let caches = 0;
const text = (content: string) => new TextEncoder().encode(content);
const weights = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) % 251);

async function serve(options: Partial<HubServerOptions> = {}): Promise<HubServer> {
  const files = { 'config.json': text('{"a":1}'), 'model.safetensors': weights };
  const server = await hubServer({ repository: 'some/dit', files, ...options });
  servers.push(server);
  return server;
}

/** The options of a call with a cache of its own. */
function calling(server: HubServer, more: Record<string, string> = {}) {
  const cache = join(work, `cache-${caches++}`);
  const notes: string[] = [];
  const info = (note: string) => void notes.push(note);
  const progress = { info, warn: info, startBar: () => ({ update() {}, stop() {} }) };
  const environment = { HF_ENDPOINT: server.endpoint, HF_HUB_CACHE: cache, ...more };
  const options: ModelPathOptions = { progress, argument: '--from', environment };
  return { cache, notes, options, environment, storage: join(cache, 'models--some--dit') };
}

beforeAll(useTestBackend);
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

describe('an address of the Hub', () => {
  test('is fetched into the cache once, in the places where huggingface_hub of Python has them', async () => {
    const server = await serve();
    const { options, storage } = calling(server);
    const path = await modelPath('hf://some/dit', options);
    expect(path).toBe(join(storage, 'snapshots', server.commit));
    expect(new Uint8Array(readFileSync(join(path, 'model.safetensors')))).toEqual(weights);
    expect(readFileSync(join(storage, 'refs', 'main'), 'utf8')).toBe(server.commit);
    expect(lstatSync(join(path, 'config.json')).isSymbolicLink()).toBe(true);
    const before = server.requests.length;
    expect(await modelPath(`hf://some/dit@${server.commit}/config.json`, options)).toBe(join(path, 'config.json'));
    expect(server.requests.slice(before).filter(({ url }) => url.includes('/resolve/'))).toEqual([]);
    expect(await modelPath('runs/here', options)).toBe('runs/here');
  });

  test('two calls at once share what they fetch', async () => {
    const server = await serve();
    const { options } = calling(server);
    const [a, b] = await Promise.all([1, 2].map(() => modelPath('hf://some/dit', options)));
    expect(a).toBe(b);
    expect(server.requests.filter(({ url }) => url.endsWith('model.safetensors'))).toHaveLength(1);
  });

  test('of one file of weights is that file, of several names them', async () => {
    const server = await serve({ files: { 'DiT-XL-2-256x256.pt': weights, 'README.md': text('a') } });
    expect(await modelPath('hf://some/dit', calling(server).options)).toMatch(/DiT-XL-2-256x256\.pt$/);
    const several = await serve({ files: { 'a.pt': weights, 'b.pt': weights } });
    await expect(modelPath('hf://some/dit', calling(several).options)).rejects.toThrow(
      "--from hf://some/dit: holds several files and no model's config.json; name one of a.pt, b.pt",
    );
    await expect(modelPath('hf://some/dit/a.pth', calling(several).options)).rejects.toThrow(
      '--from hf://some/dit/a.pth: there is no such file or folder in it; did you mean a.pt?',
    );
  });

  test('takes safetensors before other forms, and of a pipeline only what is read', async () => {
    const names = ['model_index.json', 'transformer/config.json', 'transformer/diffusion_pytorch_model.bin'];
    const more = [
      'transformer/diffusion_pytorch_model.safetensors',
      'transformer/diffusion_pytorch_model.fp16.safetensors',
    ];
    const others = [
      'vae/config.json',
      'vae/diffusion_pytorch_model.bin',
      'unet/model.safetensors',
      'README.md',
      '.gitattributes',
    ];
    const server = await serve({
      files: Object.fromEntries([...names, ...more, ...others].map((name) => [name, text(name)])),
    });
    const path = await modelPath('hf://some/dit', calling(server).options);
    const found = (readdirSync(path, { recursive: true }) as string[]).filter((name) => /\.\w+$/.test(name)).sort();
    const expected = [names[0], names[1], more[0], others[0], others[1]];
    expect(found.map((name) => name.replaceAll('\\', '/'))).toEqual(expected.sort());
    const part = await modelPath('hf://some/dit/vae', calling(server).options);
    expect(readdirSync(part).sort()).toEqual(['config.json', 'diffusion_pytorch_model.bin']);
  });

  test('of a pipeline of diffusers is a model to sample from; its autoencoder keeps the address', async () => {
    const folder = fileURLToPath(new URL('../../../fixtures/diffusers', import.meta.url));
    const names = (readdirSync(folder, { recursive: true }) as string[]).filter((name) =>
      /\.(json|safetensors)$/.test(name),
    );
    const files = Object.fromEntries(
      names.map((name) => [name.replaceAll('\\', '/'), new Uint8Array(readFileSync(join(folder, name)))]),
    );
    const server = await serve({ files });
    const { environment } = calling(server);
    const kept = { ...process.env };
    Object.assign(process.env, environment);
    try {
      const { dit, recipe } = await describeSource('hf://some/dit@main');
      expect([dit.hiddenSize, recipe.sampling.guidance]).toEqual([8, 4]);
      const { path, name, config } = await readAutoencoder({ path: 'hf://some/dit/vae' });
      expect([path, name, config.latentChannels]).toEqual(['hf://some/dit/vae', 'vae', 4]);
    } finally {
      process.env = kept;
    }
  });
});

describe('a download', () => {
  test('that broke goes on where it ended, in the same call and in a later one', async () => {
    const server = await serve({ breakAfter: (request) => (request === 1 ? 100_000 : undefined) });
    const path = await modelPath('hf://some/dit', calling(server).options);
    expect(new Uint8Array(readFileSync(join(path, 'model.safetensors')))).toEqual(weights);
    expect(server.requests.at(-1)?.range).toBe('bytes=100000-299999');

    const broken = await serve({ breakAfter: (request) => (request === 1 ? 120_000 : request > 1 ? 0 : undefined) });
    const { options, storage } = calling(broken);
    await expect(modelPath('hf://some/dit', options)).rejects.toThrow(
      /^--from hf:\/\/some\/dit: model\.safetensors: .*; what was fetched is kept, and a further call goes on$/,
    );
    expect(existsSync(join(storage, 'snapshots', broken.commit))).toBe(false);
    broken.options.breakAfter = undefined;
    const later = await modelPath('hf://some/dit', options);
    expect(new Uint8Array(readFileSync(join(later, 'model.safetensors')))).toEqual(weights);
    expect(broken.requests.at(-1)?.range).toBe('bytes=120000-299999');
  });

  test('on a damaged part begins anew; a server without ranges is told of', async () => {
    const server = await serve();
    const { options, storage } = calling(server);
    const first = await modelPath('hf://some/dit', options);
    const [blob] = readdirSync(join(storage, 'blobs')).filter((name) => name.length === 64);
    rmSync(join(storage, 'blobs', blob));
    rmSync(first, { recursive: true });
    writeFileSync(join(storage, 'blobs', `${blob}.incomplete`), new Uint8Array(1000).fill(9));
    const path = await modelPath('hf://some/dit', options);
    expect(new Uint8Array(readFileSync(join(path, 'model.safetensors')))).toEqual(weights);

    const whole = await serve({ ignoresRanges: true, breakAfter: (request) => (request === 1 ? 1000 : undefined) });
    await expect(modelPath('hf://some/dit', calling(whole).options)).rejects.toThrow(
      'sends whole files where a part is asked for',
    );
  });

  test('of other content than the repository says is refused, and nothing of it is kept', async () => {
    const server = await serve({
      entry: (entry) => (entry.lfs ? { ...entry, lfs: { ...(entry.lfs as object), oid: 'a'.repeat(64) } } : entry),
    });
    const { options, storage } = calling(server);
    await expect(modelPath('hf://some/dit', options)).rejects.toThrow(
      new RegExp(
        `^--from hf://some/dit: model\\.safetensors: expected content of sha256 ${'a'.repeat(64)}, got [0-9a-f]{64}$`,
      ),
    );
    expect(readdirSync(join(storage, 'blobs')).filter((name) => name.startsWith('aaa'))).toEqual([]);
    const git = await serve({ entry: (entry) => (entry.lfs ? entry : { ...entry, oid: 'b'.repeat(40) }) });
    await expect(modelPath('hf://some/dit', calling(git).options)).rejects.toThrow(
      'config.json: expected content of git hash bbb',
    );
    const long = await serve({
      entry: (entry) => ({ ...entry, size: 2, ...(entry.lfs ? { lfs: { ...(entry.lfs as object), size: 5 } } : {}) }),
    });
    await expect(modelPath('hf://some/dit/model.safetensors', calling(long).options)).rejects.toThrow(
      'expected 5 bytes, got more',
    );
  });
});

describe('the token', () => {
  test('goes to the Hub, not to the store that it leads to, and into no message', async () => {
    const token = 'hf_secret123';
    const store = await serve();
    // Another host name is another origin.
    const elsewhere = store.endpoint.replace('127.0.0.1', 'localhost');
    const server = await serve({ token, store: elsewhere });
    const { options, notes } = calling(server, { HF_TOKEN: token });
    const path = await modelPath('hf://some/dit', options);
    expect(new Uint8Array(readFileSync(join(path, 'model.safetensors')))).toEqual(weights);
    expect(server.requests.every(({ authorization }) => authorization === `Bearer ${token}`)).toBe(true);
    expect(store.requests.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
    expect(notes.join()).not.toContain(token);

    const without = await modelPath('hf://some/dit', calling(server).options).catch((error: Error) => error);
    expect(String(without)).toContain('a private or gated one needs HF_TOKEN (status 401');
    const wrong = await modelPath('hf://some/dit', calling(server, { HF_TOKEN: 'hf_other' }).options).catch(
      (error: Error) => error,
    );
    expect(wrong).toBeInstanceOf(ConfigError);
    expect(String(wrong)).toContain('HF_TOKEN has no right to it');
    expect(
      JSON.stringify([wrong, String(wrong), (wrong as Error).stack, (wrong as Error).cause ?? null]),
    ).not.toContain('hf_other');
    await expect(modelPath('hf://some/dit', calling(server, { HF_TOKEN: 'qqq' }).options)).rejects.toThrow(
      'HF_TOKEN: expected a token that begins with hf_, got another text',
    );
  });
});

describe('without the Hub', () => {
  test('what is in the cache is taken, and a message says so', async () => {
    const server = await serve();
    const { options, notes, environment } = calling(server);
    const path = await modelPath('hf://some/dit', options);
    server.options.status = 503;
    expect(await modelPath('hf://some/dit', options)).toBe(path);
    expect(notes.at(-1)).toContain('the Hub answers with status 503; what is in the cache is taken');
    await server.close();
    expect(await modelPath('hf://some/dit/config.json', options)).toBe(join(path, 'config.json'));
    expect(notes.at(-1)).toMatch(/fetch failed: .*; what is in the cache is taken/);
    const offline = { ...options, environment: { ...environment, HF_HUB_OFFLINE: '1' } };
    expect(await modelPath('hf://some/dit', offline)).toBe(path);
  });

  test('an error names the file and where to put it; put there it is found', async () => {
    const server = await serve();
    const { options, storage } = calling(server, { HF_HUB_OFFLINE: '1' });
    const place = join(storage, 'snapshots', 'main', 'model.pt');
    const error = await modelPath('hf://some/dit/model.pt', options).catch((cause: Error) => cause.message);
    expect(error).toBe(
      `--from hf://some/dit/model.pt: HF_HUB_OFFLINE is set, and the cache does not have model.pt; fetch ${server.endpoint}/some/dit/resolve/main/model.pt elsewhere and put it at ${place}, or give its path`,
    );
    mkdirSync(join(place, '..'), { recursive: true });
    writeFileSync(place, weights);
    expect(await modelPath('hf://some/dit/model.pt', options)).toBe(place);
    expect(await modelPath('hf://some/dit', options)).toBe(place);
    expect(server.requests).toEqual([]);
  });
});

describe('what is hostile or wrong is refused by name', () => {
  test.each([
    ['hf://dit', 'the name of a repository has two parts'],
    ['hf://../dit', 'names are of letters'],
    ['hf://some/..', 'names are of letters'],
    ['hf://some/a--b', 'names are of letters'],
    ['hf://datasets/x/y', 'a repository of models'],
    ['hf://some/dit@', 'a revision is a branch'],
    ['hf://some/dit@..%2F..', 'a revision is a branch'],
    ['hf://some/dit@%zz', 'a revision is a branch'],
    ['hf://some/dit/../../x', 'a file lies in the repository'],
    ['hf://some/dit/a\\b', 'a file lies in the repository'],
    ['hf://some/dit/a?b', 'a file lies in the repository'],
  ])('%s', async (address, why) => {
    const server = await serve();
    const refused = modelPath(address, calling(server).options);
    await expect(refused).rejects.toThrow(`--from: expected hf://owner/name[@revision][/file]; ${why}`);
    expect(server.requests).toEqual([]);
  });

  test.each([
    ['a name outside of the repository', { path: '../../evil.json' }, 'expected names of files below the repository'],
    ['an absolute name', { path: '/etc/x.json' }, 'expected names of files below the repository'],
    ['a hash that is a path', { oid: '../../../evil' }, 'expected a hash'],
    ['a negative size', { size: -1 }, 'expected a size in bytes'],
    ['a size of 2^63', { size: 2 ** 63 }, 'expected a size in bytes'],
  ])('%s in the list of files', async (_, change, why) => {
    const server = await serve({ entry: (entry) => (entry.lfs ? entry : { ...entry, ...change }) });
    const { options, cache } = calling(server);
    await expect(modelPath('hf://some/dit', options)).rejects.toThrow(why);
    expect(existsSync(cache)).toBe(false);
  });

  test('a repository or a revision that is not there', async () => {
    const server = await serve();
    await expect(modelPath('hf://no/such', calling(server).options)).rejects.toThrow(
      'there is no such repository or revision',
    );
    await expect(modelPath('hf://some/dit@other', calling(server).options)).rejects.toThrow(
      '--from hf://some/dit@other: there is no',
    );
  });
});

import { request } from 'node:http';
import { expect, test } from 'vitest';
import { servePage } from './serve-page';

const page = { version: () => '1', render: async () => '<html><body>hello</body></html>' };

/** A promise of the place of a page, and what keeps it. */
function placeOfPage() {
  let resolve = (_: string) => {};
  const promise = new Promise<string>((keep) => {
    resolve = keep;
  });
  return { promise, resolve };
}

/** Status of a request with a Host header of one's own, which fetch does not let one set. */
function statusFor(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers: { Host: host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on('error', reject).end();
  });
}

test('a name that leads here from elsewhere is refused, and so is a port that is taken', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const listening = placeOfPage();
  const done = servePage(page, { signal, onListening: listening.resolve });
  const url = await listening.promise;
  const { port } = new URL(url);
  expect(await statusFor(url, `127.0.0.1:${port}`)).toBe(200);
  expect(await statusFor(url, `localhost:${port}`)).toBe(200);
  for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1']) {
    expect([host, await statusFor(url, host)]).not.toEqual([host, 200]);
  }
  await expect(servePage(page, { port: Number(port), signal })).rejects.toThrow(
    `port ${port}: cannot serve on 127.0.0.1`,
  );
  controller.abort();
  await done;
});

test('a page that cannot be made is an answer with the reason, and is made anew at the next request', async () => {
  const controller = new AbortController();
  let broken = true;
  const render = async () => {
    if (broken) throw new Error('config.json: not valid JSON');
    return page.render();
  };
  const listening = placeOfPage();
  const done = servePage({ ...page, render }, { signal: controller.signal, onListening: listening.resolve });
  const url = await listening.promise;
  const first = await fetch(url);
  expect([first.status, await first.text()]).toEqual([500, 'Error: config.json: not valid JSON']);
  broken = false;
  expect(await (await fetch(url)).text()).toContain('hello');
  controller.abort();
  await done;
});

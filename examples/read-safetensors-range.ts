// Reads one tensor of a model on a web server without downloading the model: the header tells where it lies, an HTTP
// range request fetches just those bytes. A browser that assembles a model from a few tailors works in the same way.
// Run: npm run example read-safetensors-range
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGenerator, normal } from '@learngene/random';
import { encodeSafetensors, fromFloat32, httpSource, openSafetensors, toFloat32 } from '@learngene/tensor-io';

// Eight layers of 256 KiB.
const g = createGenerator(0);
const names = Array.from({ length: 8 }, (_, i) => `layer.${i}.weight`);
const weights = new Map(names.map((name) => [name, fromFloat32(normal(g, 256 * 256), [256, 256], 'F32')]));
const bytes = encodeSafetensors(weights, { metadata: { format: 'pt' } });

/** A server of that one file that understands range requests, and counts what it sends. */
let sent = 0;
const server = createServer((request, response) => {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  if (first === undefined) return response.writeHead(400).end();
  const body = bytes.subarray(Number(first), Math.min(Number(last) + 1, bytes.length));
  sent += body.length;
  const end = Number(first) + body.length - 1;
  return response.writeHead(206, { 'content-range': `bytes ${first}-${end}/${bytes.length}` }).end(body);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.safetensors`;
const file = await openSafetensors(await httpSource(url));
console.log(`${file.names.length} tensors, metadata`, file.metadata);

const { dtype, shape } = file.info('layer.5.weight');
const written = toFloat32(weights.get('layer.5.weight')!);
const values = toFloat32(await file.read('layer.5.weight'));
console.log(`layer.5.weight: ${dtype} [${shape}], starts with ${values[0].toFixed(4)}`);
console.log(`as written: ${values.every((value, i) => value === written[i])}`);
console.log(`fetched ${Math.round((100 * sent) / bytes.length)} % of ${(bytes.length / 2 ** 20).toFixed(1)} MiB`);

await file.close();
server.close();
server.closeAllConnections();

/* prints
8 tensors, metadata { format: 'pt' }
layer.5.weight: F32 [256,256], starts with -0.0455
as written: true
fetched 16 % of 2.0 MiB
*/

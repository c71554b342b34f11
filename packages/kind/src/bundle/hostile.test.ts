import { disposeParams } from '@learngene/nn';
import { createGenerator, type Generator, randomIntegers } from '@learngene/random';
import { decodeSafetensors, encodeSafetensors, type NamedTensors, type TensorData } from '@learngene/tensor-io';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { memory } from '../../test/memory-bundle';
import { bits, randomModel, tinyConfig } from '../../test/random-model';
import { sealed } from '../../test/sealed';
import { BundleError } from './bundle-error';
import { decomposeKind } from './decompose';
import { openBundle } from './open';
import { sha256 } from './sha256';

type Json = Record<string, unknown>;

let files: Map<string, Uint8Array>;
let wanted: string;
const LEARNGENES = 'learngenes.safetensors';
const TAILOR = 'tailors/7.safetensors';

beforeAll(async () => {
  await useTestBackend();
  const model = randomModel(tinyConfig());
  files = await decomposeKind(model, { note: 'x' });
  wanted = JSON.stringify([...bits(model)]);
  disposeParams(model.params);
});

const open = (changed: ReadonlyMap<string, Uint8Array>) => openBundle(memory(changed).fetchPiece);
const manifest = () => JSON.parse(new TextDecoder().decode(files.get('kind.json'))) as Json;
const withManifest = (text: string) => new Map(files).set('kind.json', new TextEncoder().encode(text));

/** Expects a BundleError and no tensor left behind; its message. */
async function refusal(changed: ReadonlyMap<string, Uint8Array>): Promise<string> {
  const before = tf.memory().numTensors;
  const error = await open(changed).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BundleError);
  expect(tf.memory().numTensors).toBe(before);
  return (error as BundleError).message;
}

/** The manifest with the value at a path replaced and the checksum of that; undefined removes the value. */
async function edited(path: string, value: unknown): Promise<Map<string, Uint8Array>> {
  const json = manifest();
  const keys = path.split('/');
  const last = keys.pop()!;
  const parent = keys.reduce<Json>((node, key) => node[key] as Json, json);
  if (value === undefined) delete parent[last];
  else Object.defineProperty(parent, last, { value, enumerable: true, configurable: true, writable: true });
  return path === 'checksum' ? withManifest(JSON.stringify(json)) : new Map(files).set('kind.json', await sealed(json));
}

/** A file replaced by another with the right size and checksum in the manifest. */
async function forged(file: string, bytes: Uint8Array): Promise<Map<string, Uint8Array>> {
  const json = manifest() as { files: { learngenes: Json; shared: Json; tailors: Json[] } };
  const entries = [json.files.learngenes, json.files.shared, ...json.files.tailors];
  Object.assign(entries.find((entry) => entry.file === file)!, { bytes: bytes.length, sha256: await sha256(bytes) });
  return new Map(files).set('kind.json', await sealed(json)).set(file, bytes);
}

const tensorsOf = (file: string) => new Map(decodeSafetensors(files.get(file)!).tensors);
const f32 = (...shape: number[]): TensorData => {
  return { dtype: 'F32', shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) };
};

const NAN: TensorData = { dtype: 'F32', shape: [3], data: new Float32Array(3).fill(Number.NaN) };

describe('kind.json', () => {
  test('with a key twice is refused, wherever it stands', async () => {
    const text = new TextDecoder().decode(files.get('kind.json'));
    for (const key of ['"format":', '"tailorRank":', '"classes":', '"sha256":']) {
      const twice = withManifest(text.replace(key, `${key} 0, ${key}`));
      expect(await refusal(twice)).toContain(`kind.json: holds a key twice: ${key.slice(0, -1)}`);
    }
  });

  const tailors = (change: (list: Json[]) => unknown) => {
    const { files: entries } = manifest() as { files: { tailors: Json[] } };
    return edited('files/tailors', change(entries.tailors) ?? entries.tailors);
  };

  test.each([
    ['format', 'zip', 'format: expected \'learngene-kind\', got "zip"'],
    ['version', 5, 'version: expected 1 to 4, got 5'],
    ['version', 3, 'expected only format, version, config, metadata, files, base, got "checksum"'],
    ['version', 2, 'expected only format, version, config, metadata, files, got "base"'],
    ['checksum', undefined, 'checksum: expected 64 hexadecimal digits, got undefined'],
    ['checksum', '0'.repeat(64), 'checksum: expected 0000'],
    ['config/network', {}, 'config: expected only network, learngeneRank, tailorRank, groups'],
    ['base', undefined, 'base: expected 64 hexadecimal digits, got undefined'],
    ['base', 'A'.repeat(64), 'base: expected 64 hexadecimal digits'],
    ['base', '0'.repeat(64), 'another base: expected tailors of base 000000000000, as the bundle has, got those of'],
    ['extra', 1, 'expected only format, version, config, metadata, files, base, checksum, got "extra"'],
    ['config', null, 'config: expected an object, got null'],
    ['config/gate', 'hard', 'gate: expected binary or soft'],
    ['config/pruned', undefined, 'pruned: expected a boolean'],
    ['config/__proto__', { pruned: true }, "config: '__proto__' is not allowed"],
    ['config/dit/__proto__', { depth: 1 }, "config.dit: '__proto__' is not allowed"],
    ['config/dit/toString', 1, 'config.dit: expected only'],
    ['config/dit/mlpRatio', '2', 'config.dit.mlpRatio: expected a number, got "2"'],
    ['config/dit/mlpRatio', 1e308, 'config.dit.mlpRatio: expected a number of at most 65536'],
    ['config/dit/depth', 1e9, 'config.dit.depth: expected a number of at most 4096'],
    ['config/dit/depth', 1.5, 'depth: expected a positive integer'],
    ['config/dit/depth', 4000, 'files.learngenes.bytes: expected'],
    ['config/dit/hiddenSize', 2 ** 40, 'config.dit.hiddenSize: expected a number of at most 65536'],
    ['config/dit/hiddenSize', 65536, 'config: expected at most 34359738368 parameters, got 133163974660'],
    ['config/dit/hiddenSize', 1024, 'files.learngenes.bytes: expected'],
    ['config/dit/classes', 3, 'groups[0].classes: expected integers in [0, 3)'],
    ['config/learngeneRank', 2 ** 50, 'config.learngeneRank: expected at most 65536'],
    ['config/learngeneRank', 60000, 'learngeneRank: expected a rank of at most'],
    ['config/tailorRank', '2', 'tailorRank: expected a positive integer'],
    ['config/groups', {}, 'config.groups: expected an array'],
    ['config/groups/0', 'x', 'config.groups[0]: expected an object, got "x"'],
    ['config/groups/0/gate', 4, 'config.groups[0]: expected only name, classes, classNames, tailorRank, got "gate"'],
    ['config/groups/0/tailorRank', 4, 'tensor blocks.0.attn.q.u: expected [8, 4], got [8, 2]'],
    ['config/groups/0/tailorRank', 0, 'groups[0].tailorRank: expected a positive integer, got 0'],
    ['config/groups/0/tailorRank', 9, 'groups[0].tailorRank: expected a rank of at most 8, the narrowest width'],
    ['config/groups/0/tailorRank', '2', 'groups[0].tailorRank: expected a positive integer'],
    ['config/groups/0/name', '__proto__', "'__proto__' is not allowed"],
    ['config/groups/0/name', '7', "groups[1].name: '7' is used twice"],
    ['config/groups/0/__proto__', {}, "config.groups[0]: '__proto__' is not allowed"],
    ['metadata', undefined, 'metadata: expected an object, got undefined'],
    ['metadata/note', 1, 'metadata.note: expected a string, got 1'],
    ['metadata/note', { x: 1 }, 'metadata.note: expected a string, got an object'],
    ['metadata/__proto__', 'x', "metadata: '__proto__' is not allowed"],
    ['files', [], 'files: expected an object, got 0 entries'],
    ['files/tailors', [], 'files.tailors: expected one file for each of 3 groups, got 0 entries'],
    ['files/learngenes/file', 'shared.safetensors', "files.learngenes.file: expected 'learngenes.safetensors'"],
    ['files/shared/file', '/etc/passwd', 'files.shared.file: expected \'shared.safetensors\', got "/etc/passwd"'],
    ['files/shared/file', null, 'files.shared.file: expected a string, got null'],
    ['files/tailors/0/file', 'tailors/../../x.safetensors', "expected 'tailors/<name>.safetensors'"],
    ['files/tailors/0/file', '../tailors/x.safetensors', "expected 'tailors/<name>.safetensors'"],
    ['files/tailors/0/file', 'tailors\\x.safetensors', "expected 'tailors/<name>.safetensors'"],
    ['files/tailors/0/file', 'tailors/X.safetensors', "expected 'tailors/<name>.safetensors'"],
    ['files/tailors/0/file', 'tailors/x.safetensors\n', "expected 'tailors/<name>.safetensors'"],
    ['files/tailors/0/file', 'https://a.example/x.safetensors', "expected 'tailors/<name>.safetensors'"],
    ['files/tailors/0/file', TAILOR, `files.tailors[1].file: '${TAILOR}' is used twice`],
    ['files/learngenes/bytes', 2 ** 52, 'files.learngenes.bytes: expected'],
    ['files/learngenes/bytes', -1, 'files.learngenes.bytes: expected'],
    ['files/learngenes/sha256', 'A'.repeat(64), 'files.learngenes.sha256: expected 64 hexadecimal digits'],
    ['files/learngenes/sha256', '0'.repeat(64), `${LEARNGENES}: expected SHA-256 0000`],
  ])('refuses %s = %j', async (path, value, message) => {
    expect(await refusal(await edited(path, value))).toContain(message);
  });

  test('refuses what is no JSON object, too large, or nested beyond any parser', async () => {
    expect(await refusal(withManifest(''))).toMatch(/^kind.json: /);
    expect(await refusal(withManifest('[]'))).toContain('expected an object, got 0 entries');
    expect(await refusal(withManifest('[['.repeat(500_000)))).toMatch(/^kind.json: /);
    expect(await refusal(new Map(files).set('kind.json', new Uint8Array([0x7b, 0xff, 0x7d])))).toMatch(/^kind.json: /);
    const large = new Map(files).set('kind.json', new Uint8Array(2 ** 24 + 1));
    expect(await refusal(large)).toBe('kind.json: expected at most 16777216 bytes, got 16777217');
    expect(await refusal(await tailors((list) => list.slice(1)))).toContain('got 2 entries');
    expect(await refusal(await tailors(([a, b]) => [a, b, b]))).toContain(`'${TAILOR}' is used twice`);
  });
});

describe('a piece', () => {
  test('is refused when it is missing, of another size or of another content', async () => {
    for (const file of files.keys()) {
      const missing = new Map(files);
      missing.delete(file);
      expect(await refusal(missing)).toBe(`${file}: cannot be fetched: 404`);
      if (file === 'kind.json') continue;
      const bytes = files.get(file)!;
      expect(await refusal(new Map(files).set(file, bytes.subarray(1)))).toMatch(/: expected \d+ bytes, got \d+$/);
      const flipped = bytes.slice();
      flipped[flipped.length - 1] ^= 1;
      expect(await refusal(new Map(files).set(file, flipped))).toContain(`${file}: expected SHA-256`);
    }
    const text = openBundle(async () => 'text' as unknown as Uint8Array);
    await expect(text).rejects.toThrow('kind.json: expected the fetched piece to be a Uint8Array, got string');
    const passed = openBundle(() => Promise.reject(new BundleError('kind.json', 'mine')));
    await expect(passed).rejects.toThrow('kind.json: mine');
  });

  const changes: [string, string, (tensors: Map<string, TensorData>) => NamedTensors, string][] = [
    ['a missing tensor', LEARNGENES, (t) => rename(t, 'blocks.0.attn.q.s', undefined), 'expected [3], got none'],
    [
      'a renamed tensor',
      LEARNGENES,
      (t) => rename(t, 'blocks.0.attn.q.s', 'blocks.0.attn.q.t'),
      'expected [3], got none',
    ],
    ['an unknown tensor', TAILOR, (t) => t.set('x', f32(1)), 'tensor "x": not a part of this model'],
    ['__proto__ as a tensor', TAILOR, (t) => t.set('__proto__.x', f32(1)), 'tensor "__proto__.x": not a part'],
    ['a transposed tensor', TAILOR, (t) => t.set('blocks.0.attn.q.u', f32(2, 8)), 'expected [8, 2], got [2, 8]'],
    ['a flat tensor', TAILOR, (t) => t.set('blocks.0.attn.q.u', f32(16)), 'expected [8, 2], got [16]'],
    [
      'another dtype',
      TAILOR,
      (t) => t.set('blocks.0.attn.q.s', { dtype: 'I32', shape: [2], data: new Int32Array(2) }),
      'tensor blocks.0.attn.q.s: expected float32 or half floats, got I32',
    ],
    ['NaN', LEARNGENES, (t) => t.set('blocks.0.attn.q.s', NAN), 'tensor blocks.0.attn.q.s: expected finite numbers'],
    ['a label row too many', TAILOR, (t) => t.set('label.rows', f32(2, 8)), 'expected [1, 8], got [2, 8]'],
  ];
  function rename(tensors: Map<string, TensorData>, from: string, to: string | undefined): Map<string, TensorData> {
    const tensor = tensors.get(from)!;
    tensors.delete(from);
    return to ? tensors.set(to, tensor) : tensors;
  }

  test.each(changes)('is refused with %s, whatever the checksum', async (_, file, change, message) => {
    expect(await refusal(await forged(file, encodeSafetensors(change(tensorsOf(file)))))).toContain(message);
  });

  test('is refused when it is no safetensors file', async () => {
    const bytes = files.get(TAILOR)!.slice().fill(0xff, 0, 8);
    expect(await refusal(await forged(TAILOR, bytes))).toContain(
      `${TAILOR}: safetensors: does not look like safetensors`,
    );
  });

  test('of a pruned model is refused without a rank that fits', async () => {
    const pruned = (tensors: Map<string, TensorData>, file: string) =>
      forged(file, encodeSafetensors(tensors)).then((changed) => {
        const json = JSON.parse(new TextDecoder().decode(changed.get('kind.json'))) as { config: Json };
        json.config.pruned = true;
        return sealed(json).then((bytes) => changed.set('kind.json', bytes));
      });
    const attn = 'blocks.0.attn.q';
    const none = tensorsOf(LEARNGENES);
    for (const part of ['u', 's', 'v']) none.delete(`${attn}.${part}`);
    expect(await refusal(await pruned(none, LEARNGENES))).toContain(`${attn}.s: expected 1 to 3 components, got none`);
    const empty = tensorsOf(LEARNGENES).set(`${attn}.s`, f32(0));
    expect(await refusal(await pruned(empty, LEARNGENES))).toContain('expected 1 to 3 components, got [0]');
    const half = tensorsOf(TAILOR);
    half.delete(`${attn}.u`);
    expect(await refusal(await pruned(half, TAILOR))).toContain(`tensor ${attn}.u: expected [8, 2], got none`);
  });
});

describe('200 seeded mutations', () => {
  const pick = (g: Generator, n: number) => randomIntegers(g, 1, { high: n })[0];

  /** Bytes flipped, a run cut out, doubled or zeroed, or the end cut off. */
  function mutated(g: Generator, bytes: Uint8Array): Uint8Array {
    const at = pick(g, bytes.length);
    const end = Math.min(bytes.length, at + 1 + pick(g, 40));
    const copy = bytes.slice();
    switch (pick(g, 5)) {
      case 0:
        copy[at] ^= 1 << pick(g, 8);
        return copy;
      case 1:
        return new Uint8Array([...copy.subarray(0, at), ...copy.subarray(end)]);
      case 2:
        return new Uint8Array([...copy.subarray(0, end), ...copy.subarray(at)]);
      case 3:
        return copy.fill(copy[at] ^ 1, at, end);
      default:
        return copy.slice(0, at);
    }
  }

  test('of pieces, with and without a matching checksum, are BundleErrors or change values alone', async () => {
    const g = createGenerator(7);
    const pieces = [...files.keys()].filter((file) => file !== 'kind.json');
    const started = performance.now();
    for (let n = 0; n < 100; n++) {
      const file = pieces[pick(g, pieces.length)];
      const bytes = mutated(g, files.get(file)!);
      await refusal(new Map(files).set(file, bytes));
      // With the right checksum, what is left is a change of numbers in place.
      const opened = await open(await forged(file, bytes)).catch((error: unknown) => {
        expect(error).toBeInstanceOf(BundleError);
      });
      if (opened) {
        expect(bytes.length).toBe(files.get(file)!.length);
        disposeParams(opened.params);
      }
    }
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  test('of kind.json are BundleErrors or leave every tensor as it was', async () => {
    const g = createGenerator(8);
    let refused = 0;
    for (let n = 0; n < 100; n++) {
      const bytes = mutated(g, files.get('kind.json')!);
      const opened = await open(new Map(files).set('kind.json', bytes)).catch((error: unknown) => {
        expect(error).toBeInstanceOf(BundleError);
        refused++;
      });
      if (!opened) continue;
      // Harmless text: white space, a probability, a name.
      const values = [...bits(opened).values()];
      expect(values).toEqual((JSON.parse(wanted) as [string, number[]][]).map(([, list]) => list));
      disposeParams(opened.params);
    }
    expect(refused).toBeGreaterThan(60);
  });
});

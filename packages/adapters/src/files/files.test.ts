import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { groupPerClass, type ParamTree } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { decodeSafetensors, encodeSafetensors, fromFloat32, type TensorData } from '@learngene/tensor-io';
import { relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it as test } from 'vitest';
import { peftFiles, DIT as SMALL } from '../../test/peft';
import { baseFor, bits, DIT, inputsFor, METHODS, tinyModel, titleOf } from '../../test/tiny';
import { applyAdapted } from '../apply';
import { attachAdapters } from '../attach';
import { type AdaptedModel, disposeAdapted } from '../model';
import { decodeAdapter } from './decode';
import { encodeAdapter } from './encode';
import { loadAdapter, saveAdapter } from './folder';
import { withDecodedAdapters } from './load';
import { AdapterFileError, FILES } from './names';

let folder: string;
beforeAll(async () => {
  await useTestBackend();
  folder = await mkdtemp(join(tmpdir(), 'adapters-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The architecture as `decodeAdapter` wants it: that of the base. */
const BASE = { ...DIT, classes: 3 };

describe.each(METHODS.map((method) => [titleOf(method), method] as const))('%s', (_, method) => {
  test('comes back from its files with every bit and gives the same output', async () => {
    const model = tinyModel(method, { noise: 0.05 });
    const decoded = decodeAdapter(await encodeAdapter(model, 'class-1'), BASE);
    expect(decoded.adapter).toEqual(model.config.adapter);
    expect(decoded.group).toEqual({ name: 'class-1', classes: [1] });
    // Someone else attaches to the same base: what is frozen is made anew, other adapters start as they do.
    const fresh = tf.tidy(() => {
      const options = { dit: DIT, adapter: method, groups: groupPerClass(3), generator: createGenerator(3) };
      const { frozen, adapters } = attachAdapters(baseFor(method), options);
      return { frozen, adapters } as never;
    }) as Omit<AdaptedModel, 'config'>;
    const again = withDecodedAdapters({ ...fresh, config: model.config }, { 'class-1': decoded });
    expect(bits(again.adapters['class-1'])).toEqual(bits(model.adapters['class-1']));
    expect(bits(again.frozen)).toEqual(bits(model.frozen));
    tf.tidy(() => {
      const inputs = inputsFor([1, 1]);
      expect(relativeError(applyAdapted(again, inputs), applyAdapted(model, inputs))).toBe(0);
    });
    disposeAdapted(model);
    disposeAdapted(again);
    expect(tf.memory().numTensors).toBe(0);
  });
});

describe('folders', () => {
  test('are written whole and read back; an existing one is an error without replace', async () => {
    const model = tinyModel({ method: 'dora', rank: 2 }, { noise: 0.1 });
    const path = join(folder, 'dora');
    await saveAdapter(path, model, { group: 'class-2' });
    expect((await readdir(path)).sort()).toEqual(Object.values(FILES).sort());
    await expect(saveAdapter(path, model, { group: 'class-2' })).rejects.toThrow();
    await saveAdapter(path, model, { group: 'class-0', replace: true });
    expect((await loadAdapter(path, BASE)).group).toEqual({ name: 'class-0', classes: [0] });
    await expect(saveAdapter(join(folder, 'x'), model)).rejects.toThrow(
      'group: expected a name, the model has 3 groups',
    );
    await expect(saveAdapter(join(folder, 'x'), model, { group: 'y' })).rejects.toThrow(
      "group: expected one of class-0, class-1, class-2, got 'y'",
    );
    disposeAdapted(model);
  });

  test('with a pickle in place of safetensors are refused with the remedy', async () => {
    const path = join(folder, 'pickle');
    await mkdir(path);
    for (const [file, bytes] of peftFiles('loha')) {
      await writeFile(join(path, file === FILES.tensors ? 'adapter_model.bin' : file), bytes);
    }
    await expect(loadAdapter(path, SMALL)).rejects.toThrow(
      'adapter_model.bin is not read: save the adapter again with',
    );
  });

  test('of PEFT are read', async () => {
    const path = join(folder, 'peft');
    await mkdir(path);
    for (const [file, bytes] of peftFiles('loha')) await writeFile(join(path, file), bytes);
    const decoded = await loadAdapter(path, SMALL);
    expect(decoded.adapter).toEqual({ method: 'loha', rank: 2, alpha: 4 });
    expect(decoded.group).toBeUndefined();
    expect(decoded.labelRows).toBeUndefined();
  });

  test('must hold regular files', async () => {
    const path = join(folder, 'odd');
    await mkdir(join(path, FILES.config), { recursive: true });
    await expect(loadAdapter(path, SMALL)).rejects.toThrow('adapter_config.json: is no regular file');
    await expect(loadAdapter(join(folder, 'none'), SMALL)).rejects.toThrow('adapter_config.json: is missing');
    await writeFile(join(folder, 'file'), '');
    await expect(loadAdapter(join(folder, 'file'), SMALL)).rejects.toThrow(AdapterFileError);
  });
});

const text = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const jsonOf = (files: ReadonlyMap<string, Uint8Array>, file: string) =>
  JSON.parse(new TextDecoder().decode(files.get(file))) as Record<string, unknown>;

describe('hostile files', () => {
  const peft = (changes: object) =>
    new Map(peftFiles('lora')).set(FILES.config, text({ ...jsonOf(peftFiles('lora'), FILES.config), ...changes }));

  test.each([
    [{ peft_type: 'VERA' }, 'peft_type: expected LORA, OFT or LOHA, got "VERA"'],
    [{ peft_type: 5 }, 'peft_type: expected LORA, OFT or LOHA, got 5'],
    [{ r: 1e9 }, 'r: expected an integer from 1 to 8, got 1000000000'],
    [{ r: '2' }, 'r: expected an integer from 1 to 8, got "2"'],
    [{ lora_alpha: null, r: -1 }, 'r: expected an integer'],
    [{ bias: 'all' }, 'bias: expected "none", got "all"'],
    [{ rank_pattern: { q: 4 } }, 'q.lora_A.weight: expected [4, 8], got [2, 8]'],
    [{ modules_to_save: ['x'] }, 'modules_to_save: expected null, got an array of 1'],
    [{ fan_in_fan_out: true }, 'fan_in_fan_out: expected false, got true'],
    [{ init_lora_weights: 'pissa_niter_4' }, 'init_lora_weights: expected true, false, null, "gaussian"'],
    [
      { init_lora_weights: 'pissa', use_dora: true },
      'use_dora: expected false with init_lora_weights "pissa", got true',
    ],
    [{ use_rslora: 'yes' }, 'use_rslora: expected true or false, got "yes"'],
    [{ r: 3 }, 'lora_A.weight: expected [3, 8], got [2, 8]'],
    [{ use_dora: true }, 'lora_magnitude_vector: missing'],
  ])('adapter_config.json %j', (changes, message) => {
    const act = () => decodeAdapter(peft(changes), SMALL);
    expect(act).toThrow(message);
    expect(act).toThrow(AdapterFileError);
  });

  test.each([
    ['[1]', 'adapter_config.json: expected an object, got an array of 1'],
    ['{', 'adapter_config.json: is no JSON'],
    ['{"r": 2, "r": 4}', 'adapter_config.json: holds a key twice: "r"'],
    ['\xff', 'adapter_config.json: is no JSON'],
    [' '.repeat(2 ** 20 + 1), 'adapter_config.json: expected at most 1048576 bytes, got 1048577'],
    ['{"__proto__": {"peft_type": "LORA"}}', 'peft_type: expected LORA, OFT or LOHA, got undefined'],
  ])('no config: %#', (content, message) => {
    expect(() => decodeAdapter(new Map(peftFiles('lora')).set(FILES.config, text(content)), SMALL)).toThrow(message);
  });

  const tensors = (change: (named: Map<string, TensorData>) => void) => {
    const named = decodeSafetensors(peftFiles('lora').get(FILES.tensors)!).tensors;
    change(named);
    return new Map(peftFiles('lora')).set(FILES.tensors, encodeSafetensors(named));
  };
  const KEY = 'base_model.model.blocks.0.attn.q.lora_A.weight';
  test.each([
    ['missing', (m: Map<string, TensorData>) => m.delete(KEY), `${KEY}: missing`],
    [
      'unknown',
      (m: Map<string, TensorData>) => m.set('__proto__.x', m.get(KEY)!),
      '"__proto__.x": not a tensor of this',
    ],
    ['rank', (m: Map<string, TensorData>) => m.set(KEY, fromFloat32(new Float32Array(16), [16], 'F32')), 'got [16]'],
    [
      'swapped',
      (m: Map<string, TensorData>) => m.set(KEY, fromFloat32(new Float32Array(16), [8, 2], 'F32')),
      'got [8, 2]',
    ],
    [
      'NaN',
      (m: Map<string, TensorData>) => m.set(KEY, fromFloat32(new Float32Array(16).fill(Number.NaN), [2, 8], 'F32')),
      `${KEY}: expected finite numbers`,
    ],
  ])('adapter_model.safetensors: %s', (_, change, message) => {
    const files = tensors((named) => void change(named));
    expect(() => decodeAdapter(files, SMALL)).toThrow(message);
  });

  test('reads half floats', () => {
    const files = tensors((m) => m.set(KEY, fromFloat32(new Float32Array(16).fill(0.5), [2, 8], 'BF16')));
    expect(decodeAdapter(files, SMALL).layers.get('blocks.0.attn.q.a')!.data[3]).toBe(0.5);
  });

  test('says which file is broken or missing', () => {
    expect(() => decodeAdapter(new Map(), SMALL)).toThrow('adapter_config.json: is missing');
    const files = peftFiles('lora');
    files.set(FILES.tensors, Uint8Array.of(1, 2, 3));
    expect(() => decodeAdapter(files, SMALL)).toThrow(/^adapter_model\.safetensors: /);
    files.delete(FILES.tensors);
    expect(() => decodeAdapter(files, SMALL)).toThrow('adapter_model.safetensors: is missing');
  });

  test.each([
    [{ format: 'x' }, 'learngene.json: expected learngene-adapter version 1, got "x" version 1'],
    [{ version: 2 }, 'expected learngene-adapter version 1, got "learngene-adapter" version 2'],
    [{ adapter: null }, 'learngene.json: adapter: expected an object, got null'],
    [{ adapter: { method: 'x' } }, 'learngene.json: method: expected one of'],
    [
      { adapter: { method: 'lora', rank: 3, alpha: 6 } },
      'adapter_config.json: r: expected 3 as in learngene.json, got 2',
    ],
    [{ adapter: { method: 'oft' } }, 'adapter_config.json: peft_type: expected "OFT" as in learngene.json, got "LORA"'],
    [{ extra: 1 }, 'learngene.json: the object: expected only format, version, adapter, group, tensors, got "extra"'],
    [{ group: { name: 'x', classes: [1], rank: 4 } }, 'group: expected only name, classes, got "rank"'],
    [{ group: null }, 'learngene.json: groups[0].name: expected 1 to 200 characters'],
    [{ group: { name: 'x', classes: [1, 1] } }, 'group: expected each class once'],
    [{ group: { name: 'x', classes: [-1] } }, 'group: expected class ids'],
    [{ group: { name: 'x', classes: [] } }, 'expected at least one class'],
    [{ group: { name: 'x', classes: [0, 1] } }, 'label.safetensors: rows: expected [2, 16], got [1, 16]'],
  ])('learngene.json %j', async (changes, message) => {
    const model = tinyModel({ method: 'lora', rank: 2 });
    const files = await encodeAdapter(model, 'class-1');
    disposeAdapted(model);
    files.set(FILES.own, text({ ...jsonOf(files, FILES.own), ...changes }));
    expect(() => decodeAdapter(files, BASE)).toThrow(message);
  });

  test('any damage to any file is an AdapterFileError or is harmless', async () => {
    const model = tinyModel({ method: 'oft', blockSize: 4 });
    const files = await encodeAdapter(model, 'class-0');
    disposeAdapted(model);
    const damage = fc.record({
      file: fc.constantFrom(...Object.values(FILES)),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      byte: fc.integer({ min: 0, max: 255 }),
      cut: fc.boolean(),
    });
    fc.assert(
      fc.property(damage, ({ file, at, byte, cut }) => {
        const bytes = files.get(file)!.slice();
        const place = Math.min(bytes.length - 1, Math.floor(at * bytes.length));
        bytes[place] = byte;
        try {
          decodeAdapter(new Map(files).set(file, cut ? bytes.subarray(0, place) : bytes), BASE);
        } catch (error) {
          expect(error).toBeInstanceOf(AdapterFileError);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('withDecodedAdapters', () => {
  test('refuses what does not fit, before it changes anything', async () => {
    const model = tinyModel({ method: 'lora', rank: 2 });
    const before = bits(model.adapters as ParamTree);
    const decoded = decodeAdapter(await encodeAdapter(model, 'class-0'), BASE);
    expect(() => withDecodedAdapters(model, { nobody: decoded })).toThrow('group: expected one of');
    const other = { ...decoded, adapter: { ...decoded.adapter, alpha: 1 } as never };
    expect(() => withDecodedAdapters(model, { 'class-0': other })).toThrow('adapter: expected {"alpha":2');
    const wide = { ...decoded, labelRows: fromFloat32(new Float32Array(32), [2, 16], 'F32') };
    expect(() => withDecodedAdapters(model, { 'class-0': wide })).toThrow('expected 1 classes, got 2');
    expect(bits(model.adapters as ParamTree)).toEqual(before);
    const { labelRows: _, group: __, ...bare } = decoded;
    const same = withDecodedAdapters(model, { 'class-0': bare });
    expect(bits(same.adapters as ParamTree)).toEqual(before);
    disposeAdapted(same);
  });
});

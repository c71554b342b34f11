import { describe, expect, test, vi } from 'vitest';
import { allBits, expected, fixtureBytes, namedTensors } from '../test/expected';
import { type ByteSource, bytesSource } from './byte-source';
import { encodeSafetensors } from './safetensors-encode';
import { planShards } from './shard-plan';
import { openShardedSafetensors } from './sharded-safetensors';
import { TensorFileError } from './tensor-file-error';

const tensors = namedTensors(expected.sharded);
const openFixture = async (file: string) => bytesSource(fixtureBytes(`sharded/${file}`), file);

describe('openShardedSafetensors', () => {
  test('reads what huggingface_hub wrote', async () => {
    const file = await openShardedSafetensors(openFixture);
    expect([...file.names].sort()).toEqual([...tensors.keys()].sort());
    expect(file.metadata).toEqual({ format: 'pt' });
    expect(file.info('w.4').shape).toEqual([6]);
    const all = await Promise.all(file.names.map(async (name) => [name, await file.read(name)] as const));
    expect(allBits(new Map(all))).toEqual(allBits(tensors));
    expect(() => file.info('none')).toThrow('model.safetensors.index.json: holds no tensor "none"');
    await file.close();
  });

  test.each<[string, string, RegExp]>([
    ['bad JSON', '{', /not valid JSON/],
    ['no weight_map', '{}', /expected an index with a weight_map, got undefined/],
    ['null', 'null', /expected an index with a weight_map/],
    ['a list', '{"weight_map":[]}', /expected an index with a weight_map/],
    ['a number as file', '{"weight_map":{"a":1}}', /expected a file name beside it, got 1/],
    ['a path out of the folder', '{"weight_map":{"a":"../x.safetensors"}}', /expected a file name beside it/],
    ['an absolute path', '{"weight_map":{"a":"/etc/passwd"}}', /expected a file name beside it/],
    ['a URL', '{"weight_map":{"a":"https://x/y"}}', /expected a file name beside it/],
    ['a drive', '{"weight_map":{"a":"C:\\\\x"}}', /expected a file name beside it/],
    ['a name twice', '{"weight_map":{"a":"x","a":"y"}}', /holds a key twice/],
    [
      'a tensor that the shard has not',
      '{"weight_map":{"a":"model-00001-of-00004.safetensors"}}',
      /"a" is not in "model-00001/,
    ],
  ])('refuses %s', async (_, index, message) => {
    const closed = vi.fn(async () => {});
    const open = async (file: string): Promise<ByteSource> => {
      const bytes = file === 'i.json' ? new TextEncoder().encode(index) : fixtureBytes(`sharded/${file}`);
      return { ...bytesSource(bytes, file), close: closed };
    };
    await expect(openShardedSafetensors(open, 'i.json')).rejects.toThrow(message);
    await expect(openShardedSafetensors(open, 'i.json')).rejects.toThrow(TensorFileError);
    expect(closed.mock.calls.length % 2).toBe(0);
    expect(closed).toHaveBeenCalled();
  });

  test('refuses an index that is too long, without reading it', async () => {
    const source = { ...bytesSource(new Uint8Array(1)), size: 1e9 };
    await expect(openShardedSafetensors(async () => source)).rejects.toThrow(/longer than 100000000/);
  });
});

describe('planShards', () => {
  test('gives the files of huggingface_hub byte for byte', () => {
    const { shards, index } = planShards('model.safetensors', tensors, 60);
    expect(index).toBe(new TextDecoder().decode(fixtureBytes('sharded/model.safetensors.index.json')));
    for (const [file, group] of shards) {
      expect(encodeSafetensors(group, { metadata: { format: 'pt' } })).toEqual(fixtureBytes(`sharded/${file}`));
    }
  });

  test('needs no index where all fit', () => {
    expect(planShards('m.safetensors', tensors, 200)).toEqual({
      shards: new Map([['m.safetensors', tensors]]),
      index: undefined,
    });
    expect(planShards('m.safetensors', new Map(), 200).shards.size).toBe(1);
  });

  test('checks its arguments', () => {
    expect(() => planShards('m.safetensors', tensors, 0)).toThrow(/maxShardBytes: expected a number above 0, got 0/);
    expect(() => planShards('m.bin', tensors, 60)).toThrow(/ends in \.safetensors/);
  });
});

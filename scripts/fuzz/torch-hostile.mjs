// Files of torch that are made to do harm: they must be refused, whatever they are about. Each function takes random
// choices and returns a file that lies, bursts or calls.
import { deflateRawSync } from 'node:zlib';
import {
  bytesOf,
  DATA,
  inEither,
  legacy,
  long,
  MAGIC,
  pickle,
  storage,
  tensor,
  text,
  tuple,
  u32,
  zipped,
} from './torch-files.mjs';
import { writeEntries } from './zip.mjs';

const GLOBALS = [
  'os system, posix system, nt system, subprocess Popen, subprocess check_output, builtins eval, builtins exec',
  '__builtin__ eval, builtins getattr, builtins __import__, builtins compile, builtins open',
  'copyreg _reconstructor, importlib import_module, runpy run_path, pickle loads, marshal loads, types CodeType',
  'torch load, torch.hub load, torch.nn.modules.linear Linear, torch._utils _rebuild_sparse_tensor',
  'torch._utils _rebuild_qtensor, torch.storage _load_from_bytes, numpy.core.multiarray _reconstruct',
  'functools partial, operator attrgetter, collections defaultdict, webbrowser open',
  'torch _utils._rebuild_tensor_v2, collections OrderedDict.__init__, __main__ Payload, socket socket',
  'ctypes CDLL',
].flatMap((line) => line.split(', '));

function foreignGlobal(random) {
  const [module, name] = random.pick(GLOBALS).split(' ');
  const named = random.pick([
    () => bytesOf(`c${module}\n${name}\n`),
    () => bytesOf(text(module), text(name), 0x93),
    () => bytesOf(`(i${module}\n${name}\n`),
  ])();
  const used = random.pick([
    [],
    [tuple(text('id')), 'R'],
    [')', 0x81],
    [')', 0x81, '}b'],
    ['0', tensor()],
    [tuple(text('id')), 'R0', tensor()],
  ]);
  return inEither(bytesOf(named, used), random);
}

/** Opcodes of every protocol at a place where they have nothing to work on, or that no file of torch needs. */
function strayOpcode(random) {
  const stray = random.pick([
    'a',
    'e',
    's',
    'u',
    'R',
    'b',
    'Q',
    'o',
    't',
    'l',
    'd',
    '1',
    0x81,
    0x85,
    0x86,
    0x87,
    0x90,
    0x91,
    0x92,
    0x93,
    0x97,
    0x98,
    0xff,
    0x05,
    'Pabc\n',
  ]);
  return inEither(random.chance(0.5) ? bytesOf(stray) : bytesOf(stray, tensor()), random);
}

const sizes = [2n ** 63n - 1n, 2n ** 62n, -(2n ** 63n), -1n, 2n ** 53n, 2n ** 40n];

function impossibleSize(random) {
  const wild = () => random.pick(sizes);
  const shapes = [
    { size: [wild(), 2] },
    { size: [wild(), wild()], stride: [wild(), wild()] },
    { stride: [wild(), 1] },
    { offset: wild() },
    { offset: 1 + random.below(100) },
    { size: [2 ** 40, 2 ** 40], stride: [0, 0] },
    { size: [2 ** 31, 8], stride: [0, 0] },
    { size: [random.below(2 ** 20) + 2 ** 25], stride: [0] },
    { of: storage({ count: wild() }) },
    { size: new Array(65 + random.below(1000)).fill(1), stride: new Array(65).fill(1) },
    { size: [2, 2], stride: [1] },
  ];
  return inEither(tensor(random.pick(shapes)), random);
}

function lyingStorage(random) {
  const of = random.pick([
    { count: 5 + random.below(1e6) },
    { count: random.below(3) },
    { key: random.pick(['1', '', '../0', '/etc/passwd', '0/../0', 'x'.repeat(1e5)]) },
    { type: random.pick(['QInt8Storage', 'DoubleStorage', 'TypedStorage', 'UntypedStorage', 'system']) },
  ]);
  const value = bytesOf('](', tensor({ of: storage(of), size: [1], stride: [1] }), tensor(), 'e');
  return inEither(value, random);
}

/** A few bytes that stand for very many values. */
function bomb(random) {
  const levels = 21 + random.below(200);
  const twice = Array.from({ length: levels }, (_, i) => bytesOf('0](j', u32(i), 'j', u32(i), 'er', u32(i + 1)));
  const laughs = bytesOf(']', tensor(), 'aq\0', twice);
  const key = bytesOf(text('k'.repeat(100_000 + random.below(1e5))), 'q\x000', tensor(), 'q\x010');
  const list = bytesOf('](', 'K\x01'.repeat(50_000), 'eq\x000');
  const bombs = [
    laughs,
    bytesOf(key, '](', '}h\0h\x01s'.repeat(1000), 'e'),
    bytesOf(']'.repeat(600_000)),
    bytesOf('}0'.repeat(600_000), tensor()),
    bytesOf('(2'.repeat(10), 'N', '2'.repeat(5_000_000)),
    bytesOf('N', '('.repeat(5_000_000)),
    bytesOf(list, 'c__builtin__\nset\nh\0\x85R0'.repeat(2000), tensor()),
    bytesOf(
      text('x'.repeat(1e6)),
      'q\x000',
      `c_codecs\nencode\nh\0${text('latin1').toString('latin1')}\x86R0`.repeat(5000),
      tensor(),
    ),
    bytesOf(
      'N',
      Array.from({ length: 600_000 }, (_, i) => bytesOf('r', u32(i * 7001))),
    ),
    bytesOf('](', 'ccollections\nOrderedDict\n)R'.repeat(500_000), 'e'),
    bytesOf(0x8b, u32(2 ** 20), Buffer.alloc(2 ** 20, 0x7f)),
    bytesOf(`L${'9'.repeat(60_000)}L\n`),
  ];
  return inEither(random.pick(bombs), random);
}

function cycle(random) {
  const depth = random.below(60);
  const cycles = [
    bytesOf(']q\0h\0a'),
    bytesOf('}q\0U\x01ah\0s'),
    bytesOf(']q\0h\0\x85a'),
    bytesOf(']q\0', ']'.repeat(depth), 'h\0', 'a'.repeat(depth), 'a'),
    bytesOf(']'.repeat(65 + random.below(5000)), tensor(), 'a'.repeat(65)),
    bytesOf('cargparse\nNamespace\n)\x81q\0}U\x01ah\0sb'),
  ];
  return inEither(random.pick(cycles), random);
}

function oddKeys(random) {
  const keyed = [
    bytesOf('}(', long(0), tensor(), text('0'), tensor(), 'u'),
    bytesOf('}(', text('a.b'), tensor(), text('a'), '}', text('b'), tensor(), 's', 'u'),
    bytesOf('}(N', tensor(), 'u'),
    bytesOf('}(]', tensor(), 'u'),
    bytesOf('}(', tuple(long(1)), tensor(), 'u'),
    bytesOf('}(', tensor(), tensor(), 'u'),
  ];
  return inEither(random.pick(keyed), random);
}

const NAMES = [
  'x/../../etc/passwd',
  '/etc/passwd',
  'C:/Windows/x',
  'x\\..\\..\\y',
  '../x',
  'x//y',
  'x/\0',
  'y/data.pkl',
  'x/.',
  'x/data/../../z',
  '',
  'x/data.pkl',
  'x/data/0',
];

function lyingArchive(random) {
  const value = tensor();
  const huge = () => random.pick([0xfffffffe, 0x7fffffff, 0x10000000]);
  const wild = () => random.pick([2n ** 64n - 1n, 2n ** 63n, 2n ** 53n, 2n ** 32n, 0n]);
  const zip64 = (values) =>
    bytesOf(
      1,
      0,
      8 * values.length,
      0,
      values.map((v) => Buffer.from(new BigUint64Array([v]).buffer)),
    );
  const entries = (change) => [
    { name: 'x/data.pkl', content: pickle(value) },
    { name: 'x/data/0', content: DATA, ...change },
  ];
  const inflated = Buffer.alloc(2 ** 24 + random.below(2 ** 24));
  const packed = deflateRawSync(inflated);
  return random.pick([
    () => zipped(value, [{ name: random.pick(NAMES), content: DATA }]),
    () => zipped(value, [], { size: huge(), packed: huge() }),
    () => zipped(value, [], { packed: 15 - random.below(10) }),
    () => zipped(value, [], { offset: random.below(60) + 1 }),
    () => zipped(value, [], { offset: huge() }),
    () => zipped(value, [], { crc: 7 }),
    () => zipped(value, [], { method: random.pick([1, 8, 9, 12, 14, 93, 95, 99, 65535]) }),
    () => zipped(value, [], { flags: random.pick([1, 0x41, 0x2000]) }),
    () => zipped(value, [], { content: packed, method: 8, size: inflated.length }),
    () =>
      writeEntries([{ name: 'x/data.pkl', content: packed, method: 8, size: inflated.length }, ...entries().slice(1)]),
    () => writeEntries(entries({ size: 0xffffffff, packed: 0xffffffff, extra: zip64([wild(), wild()]) })),
    () => writeEntries(entries({ size: 0xffffffff, packed: 0xffffffff, extra: zip64([16n]) })),
    () => writeEntries(entries({ size: 0xffffffff, packed: 0xffffffff })),
    () => writeEntries(entries({ offset: 0xffffffff, extra: zip64([wild()]) })),
    () => writeEntries(entries({ local: { extra: Buffer.alloc(0), name: 'x'.repeat(9 + random.below(9000)) } })),
    () => writeEntries(entries(), { count: random.pick([0, 1, 3, 65535]) }),
    () => writeEntries(entries(), { directorySize: random.pick([0, 1, 2 ** 31, 2 ** 32 - 1]) }),
    () => writeEntries(entries(), { directoryOffset: random.pick([0, 1, 2 ** 31, 2 ** 32 - 1]) }),
    () => writeEntries(entries(), { zip64: { count: random.pick([1n, 2n ** 32n, 2n ** 63n]) } }),
    () => writeEntries(entries(), { zip64: { size: wild() } }),
    () => writeEntries(entries(), { zip64: { offset: wild() } }),
    () => writeEntries(entries(), { zip64: { at: wild() } }),
    () => writeEntries([...entries(), ...Array.from({ length: 3 }, () => entries()[1])]),
    () =>
      writeEntries(Array.from({ length: 20_000 }, (_, i) => ({ name: `x/${i}`, content: Buffer.alloc(0), offset: 0 }))),
    () => writeEntries(entries().slice(1)),
    () => writeEntries([...entries(), { name: 'x/constants.pkl', content: pickle(')') }]),
    () =>
      writeEntries([
        ...entries(),
        { name: 'x/byteorder', content: Buffer.from(random.pick(['', 'middle', 'LITTLE', 'x'.repeat(5000)])) },
      ]),
    () => writeEntries([]),
  ])();
}

function lyingLegacy(random) {
  const wild = () => random.pick([...sizes, 0n, 3n, 5n]);
  return random.pick([
    () => legacy(tensor(), { count: wild() }),
    () => legacy(tensor(), { keys: [] }),
    () => legacy(tensor(), { keys: ['0', '0'] }),
    () => legacy(tensor(), { keys: Array.from({ length: 1 + random.below(50_000) }, (_, i) => String(i)) }),
    () => legacy(tensor(), { data: DATA.subarray(0, random.below(16)) }),
    () => legacy(tensor(), { data: bytesOf(DATA, Buffer.alloc(1 + random.below(1000))) }),
    () => legacy(tensor(), { system: random.pick([0x89, 'N', 'K\x01']) }),
    () => bytesOf(MAGIC, pickle(long(1000 + random.below(2) * 2)), pickle('}')),
    () => bytesOf(MAGIC, MAGIC, MAGIC),
    () => bytesOf(pickle('cos\nsystem\n', tuple(text('id')), 'R')),
    () => bytesOf(Buffer.alloc(257), 'ustar  ', Buffer.alloc(2000)),
    () => bytesOf(0x80, 2, ']'.repeat(random.below(1e6))),
  ])();
}

const KINDS = [
  foreignGlobal,
  strayOpcode,
  impossibleSize,
  lyingStorage,
  bomb,
  cycle,
  oddKeys,
  lyingArchive,
  lyingLegacy,
];

/** A hostile file, whatever the undamaged one was: it must be refused. */
export function hostileTorch(_, random) {
  return random.pick(KINDS)(random);
}

import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** Bytes at the start of a library that hold its headers in practice. */
const HEADER_BYTES = 64 * 1024;

/** Numbers of processors in the headers of libraries, by the name that Node gives them. */
const ELF_MACHINES: Readonly<Record<number, string>> = {
  3: 'ia32',
  22: 's390x',
  40: 'arm',
  62: 'x64',
  183: 'arm64',
  243: 'riscv64',
};
const MACH_MACHINES: Readonly<Record<number, string>> = { 16777223: 'x64', 16777228: 'arm64' };
const PE_MACHINES: Readonly<Record<number, string>> = { 332: 'ia32', 34404: 'x64', 43620: 'arm64' };

/** What the headers of a library say about it. */
interface Library {
  /** The system it was built for, as `process.platform` names it. */
  platform: 'linux' | 'darwin' | 'win32';
  /** The processor it was built for; undefined where its number is not known here. */
  arch: string | undefined;
  /** The bytes that the file must have. */
  bytes: number;
}

/** ELF (System V ABI): the program and section headers, and the end of every loaded segment. */
function readElf(header: DataView): Library | undefined {
  if (header.getUint8(4) !== 2 || header.getUint8(5) !== 1) return undefined; // 64 bits, little endian
  const big = (at: number) => Number(header.getBigUint64(at, true));
  const small = (at: number) => header.getUint16(at, true);
  const [programs, sections] = [big(32), big(40)];
  let bytes = Math.max(programs + small(54) * small(56), sections + small(58) * small(60));
  for (let i = 0; i < small(56); i++) {
    const at = programs + i * small(54);
    if (at + 40 > header.byteLength) break;
    if (header.getUint32(at, true) === 1) bytes = Math.max(bytes, big(at + 8) + big(at + 32)); // PT_LOAD
  }
  return { platform: 'linux', arch: ELF_MACHINES[small(18)], bytes };
}

/** Mach-O: the load commands, and the end of every segment. */
function readMach(header: DataView): Library {
  let bytes = 32 + header.getUint32(20, true);
  let at = 32;
  for (let i = 0; i < header.getUint32(16, true) && at + 56 <= header.byteLength; i++) {
    if (header.getUint32(at, true) === 0x19) {
      const end = header.getBigUint64(at + 40, true) + header.getBigUint64(at + 48, true); // LC_SEGMENT_64
      bytes = Math.max(bytes, Number(end));
    }
    at += Math.max(8, header.getUint32(at + 4, true));
  }
  return { platform: 'darwin', arch: MACH_MACHINES[header.getUint32(4, true)], bytes };
}

/** PE: the section table, and the end of every section's data. */
function readPe(header: DataView): Library | undefined {
  const start = header.getUint32(0x3c, true);
  if (start + 24 > header.byteLength || header.getUint32(start, true) !== 0x0000_4550) return undefined;
  const count = header.getUint16(start + 6, true);
  const table = start + 24 + header.getUint16(start + 20, true);
  let bytes = table + 40 * count;
  for (let at = table; at < table + 40 * count && at + 40 <= header.byteLength; at += 40) {
    bytes = Math.max(bytes, header.getUint32(at + 16, true) + header.getUint32(at + 20, true));
  }
  return { platform: 'win32', arch: PE_MACHINES[header.getUint16(start + 4, true)], bytes };
}

function readLibrary(header: DataView): Library | undefined {
  if (header.byteLength < 64) return undefined;
  const magic = header.getUint32(0, false);
  if (magic === 0x7f45_4c46) return readElf(header);
  if (magic === 0xcffa_edfe) return readMach(header);
  if (magic >>> 16 === 0x4d5a) return readPe(header);
  return undefined;
}

/** The first bytes of a file and its size. */
function readHeader(path: string): { header: DataView; size: number } {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(HEADER_BYTES);
    const read = readSync(file, bytes, 0, bytes.length, 0);
    return { header: new DataView(bytes.buffer, bytes.byteOffset, read), size: statSync(path).size };
  } finally {
    closeSync(file);
  }
}

/**
 * Says why a native library (`.node`, `.so`, ...) must not be loaded; undefined where it may be. The system's loader
 * accepts a truncated file, and the process later dies of SIGBUS without a message. Reads the headers of 64-bit ELF,
 * Mach-O and PE files. A universal Mach-O file is not checked.
 *
 * @throws Error of the file system where the file cannot be read
 */
export function addonFileFault(path: string): string | undefined {
  const { header, size } = readHeader(path);
  if (header.byteLength >= 4 && header.getUint32(0, false) === 0xcafe_babe) return undefined;
  const library = readLibrary(header);
  if (library === undefined) return `is no 64-bit library (${size} bytes)`;
  const { platform, arch, bytes } = library;
  const foreign = platform !== (['darwin', 'win32'].includes(process.platform) ? process.platform : 'linux');
  if (foreign || (arch !== undefined && arch !== process.arch)) {
    return `was built for ${platform} ${arch ?? ''}, this is ${process.platform} ${process.arch}`;
  }
  if (size < bytes) return `is cut off: expected at least ${bytes} bytes, got ${size}`;
  return undefined;
}

/** A file of a made-up archive; `type` is that of tar. */
export interface TarPart {
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly type?: string;
  /** The size that the header claims. */
  readonly size?: number;
}

/** The bytes of a tar archive (ustar). */
export function tarFile(parts: readonly TarPart[], { end = true } = {}): Buffer {
  const blocks = parts.flatMap(({ name, content, type = '0', size }) => {
    const body = Buffer.from(content as Uint8Array);
    const header = Buffer.alloc(512);
    header.write(name.slice(0, 100), 0);
    header.write('0000644\0', 100);
    header.write(`${(size ?? body.length).toString(8).padStart(11, '0')}\0`, 124);
    header.write(' '.repeat(8), 148);
    header.write(type, 156);
    header.write('ustar\x0000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(end ? 1024 : 0)]);
}

/** Sections of a module that may declare its memory, by their numbers in the WebAssembly specification. */
const [IMPORTS, MEMORIES] = [2, 5];

/** The flags of limits: with a maximum, and with a maximum and shared between threads. */
const [BOUNDED, SHARED] = [1, 3];

/**
 * A copy of a compiled module whose memory is shared between threads: one bit of the memory's limits. Its code stays as
 * it is, so it computes the same numbers; it must not rely on being alone with its memory.
 *
 * @throws Error unless the module defines or imports one memory, with a maximum, and imports nothing before it.
 */
export function withSharedMemory(binary: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(binary);
  const at = flagsOf(copy);
  if (copy[at] !== BOUNDED) throw new Error('expected a module whose one memory has a maximum');
  copy[at] = SHARED;
  return copy;
}

/** Where the flags of the memory's limits are; -1 if there is no memory. */
function flagsOf(binary: Uint8Array): number {
  let at = 8; // after the magic number and the version
  const number = (): number => {
    let [value, shift] = [0, 0];
    for (;;) {
      const byte = binary[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128 || byte === undefined) return value;
      shift += 7;
    }
  };
  while (at < binary.length) {
    const section = binary[at++];
    const end = number() + at;
    if (section === MEMORIES && number() === 1) return at;
    if (section === IMPORTS && number() > 0) {
      for (let name = 0; name < 2; name++) at = number() + at;
      if (binary[at++] === 2) return at;
    }
    at = end;
  }
  return -1;
}

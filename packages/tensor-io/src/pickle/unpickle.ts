import { PickleCursor, PickleRefusal } from './cursor';
import { PickleMachine } from './machine';
import { OPCODES, REFUSED_OPCODES } from './opcodes';
import type { PickleResolver } from './values';

/** A pickle that was read. */
export interface Unpickled {
  /** Its value. */
  readonly value: unknown;
  /** The byte after its last. */
  readonly end: number;
}

const STOP = 0x2e;

/**
 * Reads a pickle (protocols 0 to 5, as in Python's `pickletools`) that starts at byte `start`. No code is run: a class
 * or a function is looked up in `resolver`, which refuses what it does not know.
 *
 * @throws PickleRefusal for what breaks the format, is not known, or grows beyond the limits; PickleCutOff where the
 *   bytes end before the pickle does
 */
export function unpickle(bytes: Uint8Array, resolver: PickleResolver, start = 0): Unpickled {
  const cursor = new PickleCursor(bytes, start);
  const machine = new PickleMachine(cursor, resolver);
  for (;;) {
    const at = cursor.at;
    const code = cursor.uint8();
    if (code === STOP) return { value: machine.result(), end: cursor.at };
    const opcode = OPCODES.get(code);
    if (opcode === undefined) throw unknownOpcode(code, at);
    try {
      opcode.action(machine);
    } catch (error) {
      if (!(error instanceof PickleRefusal)) throw error;
      throw new PickleRefusal(`${error.message} (opcode ${opcode.name} at byte ${at})`, { cause: error });
    }
  }
}

function unknownOpcode(code: number, at: number): PickleRefusal {
  const known = REFUSED_OPCODES.get(code);
  const hex = `0x${code.toString(16).padStart(2, '0')}`;
  return new PickleRefusal(
    known === undefined
      ? `there is no opcode ${hex} (at byte ${at})`
      : `the opcode ${known} is not read: files of tensors do not need it (at byte ${at})`,
  );
}

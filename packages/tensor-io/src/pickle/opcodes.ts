import { decimalFloat, decimalInteger, escapedText, intLine, quotedString } from './literals';
import type { PickleMachine } from './machine';
import { PickleTuple } from './values';

/** What an opcode does. */
type Action = (machine: PickleMachine) => void;

/** A text whose length is read first. */
const text = (length: (machine: PickleMachine) => number): Action => {
  return (machine) => machine.push(machine.cursor.text(length(machine)));
};

/** Bytes whose length is read first; a copy, since the pickle's own are let go. */
const bytes = (length: (machine: PickleMachine) => number): Action => {
  return (machine) => machine.push(machine.cursor.bytes(length(machine)).slice());
};

const uint8 = ({ cursor }: PickleMachine) => cursor.uint8();
const uint32 = ({ cursor }: PickleMachine) => cursor.uint32();
const uint64 = ({ cursor }: PickleMachine) => cursor.length64();
const index = ({ cursor }: PickleMachine) => Number(decimalInteger(cursor.line()));

/** What each opcode does, by its name in Python's `pickletools`; STOP is the reader's own. */
const ACTIONS: readonly (readonly [code: number, name: string, action: Action])[] = /* @__PURE__ */ (() => [
  [0x80, 'PROTO', (m) => m.protocol(m.cursor.uint8())],
  [0x95, 'FRAME', (m) => void m.cursor.length64()],
  // The stack
  [0x28, 'MARK', (m) => m.mark()],
  [0x30, 'POP', (m) => m.discard()],
  [0x31, 'POP_MARK', (m) => void m.popToMark()],
  [0x32, 'DUP', (m) => m.push(m.top())],
  // The memo
  [0x67, 'GET', (m) => m.get(index(m))],
  [0x68, 'BINGET', (m) => m.get(uint8(m))],
  [0x6a, 'LONG_BINGET', (m) => m.get(uint32(m))],
  [0x70, 'PUT', (m) => m.put(index(m))],
  [0x71, 'BINPUT', (m) => m.put(uint8(m))],
  [0x72, 'LONG_BINPUT', (m) => m.put(uint32(m))],
  [0x94, 'MEMOIZE', (m) => m.memoize()],
  // Single values
  [0x4e, 'NONE', (m) => m.push(null)],
  [0x88, 'NEWTRUE', (m) => m.push(true)],
  [0x89, 'NEWFALSE', (m) => m.push(false)],
  [0x49, 'INT', (m) => m.push(intLine(m.cursor.line()))],
  [0x4a, 'BININT', (m) => m.push(m.cursor.int32())],
  [0x4b, 'BININT1', (m) => m.push(uint8(m))],
  [0x4d, 'BININT2', (m) => m.push(m.cursor.uint16())],
  [0x4c, 'LONG', (m) => m.push(decimalInteger(m.cursor.line()))],
  [0x8a, 'LONG1', (m) => m.push(m.cursor.integer(uint8(m)))],
  [0x8b, 'LONG4', (m) => m.push(m.cursor.integer(uint32(m)))],
  [0x46, 'FLOAT', (m) => m.push(decimalFloat(m.cursor.line()))],
  [0x47, 'BINFLOAT', (m) => m.push(m.cursor.float64())],
  [0x53, 'STRING', (m) => m.push(quotedString(m.cursor.line()))],
  [0x54, 'BINSTRING', text(uint32)],
  [0x55, 'SHORT_BINSTRING', text(uint8)],
  [0x56, 'UNICODE', (m) => m.push(escapedText(m.cursor.line()))],
  [0x58, 'BINUNICODE', text(uint32)],
  [0x8c, 'SHORT_BINUNICODE', text(uint8)],
  [0x8d, 'BINUNICODE8', text(uint64)],
  [0x42, 'BINBYTES', bytes(uint32)],
  [0x43, 'SHORT_BINBYTES', bytes(uint8)],
  [0x8e, 'BINBYTES8', bytes(uint64)],
  [0x96, 'BYTEARRAY8', bytes(uint64)],
  // Containers
  [0x5d, 'EMPTY_LIST', (m) => m.pushContainer([])],
  [0x6c, 'LIST', (m) => m.pushContainer(m.popToMark())],
  [0x61, 'APPEND', (m) => m.append([m.pop()])],
  [0x65, 'APPENDS', (m) => m.append(m.popToMark())],
  [0x29, 'EMPTY_TUPLE', (m) => m.tuple(0)],
  [0x74, 'TUPLE', (m) => m.pushContainer(new PickleTuple(m.popToMark()))],
  [0x85, 'TUPLE1', (m) => m.tuple(1)],
  [0x86, 'TUPLE2', (m) => m.tuple(2)],
  [0x87, 'TUPLE3', (m) => m.tuple(3)],
  [0x7d, 'EMPTY_DICT', (m) => m.pushContainer(new Map())],
  [
    0x64,
    'DICT',
    (m) => {
      const pairs = m.popToMark();
      m.pushContainer(new Map());
      m.setItems(pairs);
    },
  ],
  [0x73, 'SETITEM', (m) => m.setItems([m.pop(), m.pop()].reverse())],
  [0x75, 'SETITEMS', (m) => m.setItems(m.popToMark())],
  [0x8f, 'EMPTY_SET', (m) => m.pushContainer(new Set())],
  [0x90, 'ADDITEMS', (m) => m.addItems(m.popToMark())],
  [0x91, 'FROZENSET', (m) => m.pushContainer(new Set(m.popToMark()))],
  // What the resolver knows
  [0x63, 'GLOBAL', (m) => m.global(m.cursor.line(), m.cursor.line())],
  [
    0x93,
    'STACK_GLOBAL',
    (m) => {
      const name = m.pop();
      m.global(m.pop(), name);
    },
  ],
  [0x52, 'REDUCE', (m) => m.reduce()],
  [0x81, 'NEWOBJ', (m) => m.newObject()],
  [0x62, 'BUILD', (m) => m.build()],
  [0x51, 'BINPERSID', (m) => m.persistent()],
])();

/** Actions by the opcode's byte. */
export const OPCODES: ReadonlyMap<number, { readonly name: string; readonly action: Action }> = /* @__PURE__ */ (() =>
  new Map(ACTIONS.map(([code, name, action]) => [code, { name, action }])))();

/** Opcodes of Python that files of tensors do not need, and what each would do. */
export const REFUSED_OPCODES: ReadonlyMap<number, string> = new Map([
  [0x69, 'INST (makes an object of a class by name)'],
  [0x6f, 'OBJ (makes an object of any class)'],
  [0x92, 'NEWOBJ_EX (makes an object with named arguments)'],
  [0x50, 'PERSID (an object outside of the pickle, by a text)'],
  [0x82, 'EXT1 (a class by a number of the program)'],
  [0x83, 'EXT2 (a class by a number of the program)'],
  [0x84, 'EXT4 (a class by a number of the program)'],
  [0x97, 'NEXT_BUFFER (bytes outside of the pickle)'],
  [0x98, 'READONLY_BUFFER (bytes outside of the pickle)'],
]);

import { checkArray, checkFields, checkFinite, checkText } from './check';
import { crc32c } from './crc32c';

/** A number at a step, under a tag. */
export interface ScalarEvent {
  /** What is measured; TensorBoard groups tags by what stands before a `/`. */
  tag: string;
  /** The step. */
  step: number;
  /** The number; the file keeps float32. */
  value: number;
  /** When it was measured, in seconds since 1970. */
  time: number;
}

/**
 * An event file of TensorBoard: TFRecords of `Event` messages (tensorflow/core/util/event.proto), a version first, then an
 * event for each scalar. The name of the file must hold `tfevents`.
 *
 * @param events In the order in which they are written.
 * @param time When the file was begun, in seconds since 1970.
 * @throws RangeError naming the event and the field that cannot be written: a step that is no whole number, a time that is
 *   not finite. Values may be NaN or infinite.
 */
export function tensorboardEvents(events: readonly ScalarEvent[], time: number): Uint8Array<ArrayBuffer> {
  checkArray('events', events);
  checkFinite('time', time);
  events.forEach((event, i) => {
    const at = `events[${i}]`;
    checkFields(at, event, ['tag', 'step', 'value', 'time']);
    checkText(`${at}.tag`, event.tag);
    checkFinite(`${at}.time`, event.time);
    if (!Number.isSafeInteger(event.step) || event.step < 0) {
      throw new RangeError(`${at}.step: expected a whole number of at least 0, got ${event.step}`);
    }
    if (typeof event.value !== 'number') throw new RangeError(`${at}.value: expected a number, got ${event.value}`);
  });
  const version = [...double(1, time), ...bytes(3, utf8('brain.Event:2'))];
  return concat([version, ...events.map(scalarMessage)].map((message) => record(Uint8Array.from(message))));
}

/** Event { wall_time = 1, step = 2, summary = 5 { value = 1 { tag = 1, simple_value = 2 } } } */
function scalarMessage({ tag, step, value, time }: ScalarEvent): number[] {
  const scalar = [...bytes(1, utf8(tag)), ...float(2, value)];
  // proto3 leaves a field of value 0 out.
  return [...double(1, time), ...(step === 0 ? [] : varintField(2, step)), ...bytes(5, bytes(1, scalar))];
}

const utf8 = (text: string) => [...new TextEncoder().encode(text)];

/** Base 128, the low seven bits first. */
function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  return [...out, rest];
}

const varintField = (field: number, value: number) => [field << 3, ...varint(value)];

const bytes = (field: number, content: readonly number[]) => [(field << 3) | 2, ...varint(content.length), ...content];

function double(field: number, value: number): number[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value, true);
  return [(field << 3) | 1, ...new Uint8Array(view.buffer)];
}

function float(field: number, value: number): number[] {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value, true);
  return [(field << 3) | 5, ...new Uint8Array(view.buffer)];
}

/** A checksum that is safe to store beside what it is of: turned by 15 bits, plus a constant. */
function masked(content: Uint8Array): number {
  const crc = crc32c(content);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** A TFRecord: length (uint64), its checksum, the message, its checksum; little-endian. */
function record(message: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + message.length + 4);
  const view = new DataView(out.buffer);
  view.setUint32(0, message.length, true);
  view.setUint32(8, masked(out.subarray(0, 8)), true);
  out.set(message, 12);
  view.setUint32(12 + message.length, masked(message), true);
  return out;
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

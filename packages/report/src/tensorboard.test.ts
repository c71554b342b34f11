import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { crc32c } from './crc32c';
import { type ScalarEvent, tensorboardEvents } from './tensorboard';

// Made by tools/fixtures/make_report.py: the events, the file that TensorBoard's own writer makes of them, and what TensorBoard
// reads from a file of this package.
const folder = fileURLToPath(new URL('../fixtures/', import.meta.url));
const { time, events, read } = JSON.parse(readFileSync(`${folder}tensorboard.json`, 'utf8')) as {
  time: number;
  events: ScalarEvent[];
  read: { tag: string; values: [step: number, value: number, time: number][] }[];
};

test('CRC-32C of the numbers in RFC 3720', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
});

describe('event files', () => {
  test("are those of TensorBoard's own writer, byte for byte", () => {
    const own = readFileSync(`${folder}events.out.tfevents.fixture`);
    expect(Buffer.from(tensorboardEvents(events, time)).equals(own)).toBe(true);
  });

  test('are read by TensorBoard as they were written', () => {
    for (const { tag, values } of read) {
      const given = events.filter((event) => event.tag === tag);
      expect(values).toEqual(given.map(({ step, value, time: at }) => [step, Math.fround(value), at]));
    }
    expect(new Set(read.map(({ tag }) => tag))).toEqual(new Set(events.map(({ tag }) => tag)));
  });

  test.each<[Partial<Record<keyof ScalarEvent | 'run', unknown>>, string]>([
    [{ step: 1.5 }, 'events[0].step: expected a whole number of at least 0, got 1.5'],
    [{ step: -1 }, 'events[0].step: expected a whole number'],
    [{ time: Number.NaN }, 'events[0].time: expected a finite number, got NaN'],
    [{ value: '1' }, 'events[0].value: expected a number, got 1'],
    [{ tag: 3 }, 'events[0].tag: expected a string, got 3'],
    [{ run: 'a' }, "events[0]: expected only tag, step, value, time, got 'run'"],
  ])('refuse %j', (change, message) => {
    const event = { tag: 'loss', step: 1, value: 1, time: 1, ...change } as ScalarEvent;
    expect(() => tensorboardEvents([event], 1)).toThrow(message);
  });
});

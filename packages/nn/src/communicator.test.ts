import { expect, test } from 'vitest';
import { type ReduceOperation, singleProcess } from './communicator';

test('one process gets back copies of its own values', async () => {
  const { rank, size, allReduce, allGather, broadcast, barrier } = singleProcess;
  expect([rank, size]).toEqual([0, 1]);
  await barrier();
  for (const values of [Float32Array.of(1.5, -2), Float64Array.of(Math.PI), Int32Array.of(7)]) {
    for (const operation of ['sum', 'max', 'min'] as const) {
      const reduced = await allReduce(values, operation);
      expect(reduced).toEqual(values);
      reduced[0] = 0;
    }
    const [gathered, ...others] = await allGather(values);
    expect(others).toEqual([]);
    expect(gathered).not.toBe(values);
    expect(await broadcast(values, 0)).toEqual(gathered);
    expect(values[0]).not.toBe(0);
  }
});

test('an unknown reduction and a process that does not exist are refused', async () => {
  const values = Float32Array.of(1);
  await expect(singleProcess.allReduce(values, 'product' as ReduceOperation)).rejects.toThrow(
    "operation: expected one of sum, max, min, got 'product'",
  );
  await expect(singleProcess.broadcast(values, 1)).rejects.toThrow('root: expected 0, the only process, got 1');
});

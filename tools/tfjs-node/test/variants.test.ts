import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { selectRequirements } from '../plan.mjs';
import { cudaLibraries, cudaSources, defaultCuda, missingFromSystem } from '../variants.mjs';

const pins = readFileSync(new URL('../requirements-cuda.txt', import.meta.url), 'utf8');
const projects = (lines: string[]) => lines.map((line) => line.split('==')[0]);

describe('where the CUDA libraries come from', () => {
  test('the wheels fill every folder that TensorFlow opens a library of', () => {
    const folders = projects(selectRequirements(pins, cudaSources.wheels.wheels)).map((project) =>
      project.slice('nvidia-'.length, -'-cu12'.length).replaceAll('-', '_'),
    );
    expect(folders).toEqual(expect.arrayContaining(Object.values(cudaLibraries)));
  });
  test('without them libcudart alone is taken, or nothing', () => {
    expect(projects(selectRequirements(pins, cudaSources.none.wheels))).toEqual(['nvidia-cuda-runtime-cu12']);
    expect(selectRequirements(pins, cudaSources.system.wheels)).toEqual([]);
  });
  test('gigabytes are downloaded only where there is a driver', () => {
    expect([defaultCuda(true), defaultCuda(false)]).toEqual(['wheels', 'none']);
  });
});

test('what ldconfig lists is not missing', () => {
  const line = (name: string) => `\t${name} (libc6,x86-64) => /usr/local/cuda/lib64/${name}`;
  const all = Object.keys(cudaLibraries);
  const listing = ['700 libs found in cache', ...all.slice(1).map(line), '\tlibcudart.so.11.0 (libc6) => /a'].join(
    '\n',
  );
  expect(missingFromSystem(listing)).toEqual([all[0]]);
  expect(missingFromSystem(`${listing}\n${line(all[0])}`)).toEqual([]);
});

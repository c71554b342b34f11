import { expectClose, readFixture } from '@learngene/testing';
import { describe, expect, it as test } from 'vitest';
import { gaussianDiffusion } from './process';
import { spaceTimesteps } from './respacing';
import { betaSchedule, rescaleZeroTerminalSnr, type ScheduleName } from './schedules';

const relative = (value: number, expected: number) => expect(Math.abs(value / expected - 1)).toBeLessThan(2e-9);
const sum = (values: Int32Array) => values.reduce((total, value) => total + value, 0);

describe('linear, 1000 steps', () => {
  const p = gaussianDiffusion({ schedule: 'linear', timesteps: 1000 });

  test('has the cumulative products', () => {
    relative(p.alphasCumprod[0], 0.9999);
    relative(p.alphasCumprod[1], 0.999780092072);
    relative(p.alphasCumprod[499], 0.0785872428818);
    relative(p.alphasCumprod[500], 0.077796658365);
    relative(p.alphasCumprod[999], 4.03582976538e-5);
  });

  test('has the posterior variances', () => {
    relative(p.posteriorVariance[1], 5.453187661e-5);
    relative(p.posteriorVariance[999], 0.01999998353);
    relative(p.posteriorLogVarianceClipped[0], -9.816725135);
    relative(p.posteriorLogVarianceClipped[1], -9.816725135);
    relative(p.posteriorLogVarianceClipped[999], -3.912023829);
    relative(Math.log(p.betas[0]), -9.210340372);
    relative(Math.log(p.betas[999]), -3.912023005);
  });

  test('has the variances that diffusers states for ddpm and ddim', () => {
    expect(p.posteriorVariance[0]).toBe(0);
    expect(p.posteriorVariance[487]).toBeCloseTo(0.00979, 5);
    expect(p.posteriorVariance[999]).toBeCloseTo(0.02, 5);
    const ddim = (t: number, previous: number) => {
      const [bar, before] = [p.alphasCumprod[t], p.alphasCumprod[previous]];
      return ((1 - before) / (1 - bar)) * (1 - bar / before);
    };
    expect(Math.abs(ddim(420, 400) - 0.14771)).toBeLessThan(1e-5);
    expect(Math.abs(ddim(980, 960) - 0.3246)).toBeLessThan(1e-5);
    expect(Math.abs(ddim(487, 486) - 0.00979)).toBeLessThan(1e-5);
    expect(Math.abs(ddim(999, 998) - 0.02)).toBeLessThan(1e-5);
  });
});

describe('cosine, 1000 steps', () => {
  test('has the betas', () => {
    const p = gaussianDiffusion({ schedule: 'cosine', timesteps: 1000 });
    relative(p.betas[0], 4.128422482e-5);
    relative(p.betas[500], 0.003155691442);
    relative(p.betas[998], 0.7499993929);
    relative(p.betas[999], 0.999);
    relative(p.alphasCumprod[500], 0.4922851724);
  });

  test('has the variances that diffusers states for unclip', () => {
    const p = gaussianDiffusion({ schedule: 'squaredcos_cap_v2', timesteps: 1000, precision: 'float32' });
    const learned = (t: number, v: number) => {
      const fraction = (v + 1) / 2;
      return fraction * Math.log(p.betas[t]) + (1 - fraction) * p.posteriorLogVarianceClipped[t];
    };
    for (const [t, expected] of [
      [1, -10.171279],
      [487, -5.7998052],
      [999, -0.0010011],
    ]) {
      expect(Math.abs(learned(t, 0.5) - expected), `t ${t}`).toBeLessThan(1e-5);
    }
    const std = (t: number) => Math.sqrt(Math.max(p.posteriorVariance[t], 1e-20));
    expect(std(0)).toBeCloseTo(1e-10, 12);
    expect(std(487)).toBeCloseTo(0.0549625, 5);
    expect(std(999)).toBeCloseTo(0.9994987, 5);
  });
});

describe('space_timesteps', () => {
  test("'250' of 1000", () => {
    const kept = spaceTimesteps(1000, '250');
    expect([...kept.slice(0, 4), ...kept.slice(-3)]).toEqual([0, 4, 8, 12, 991, 995, 999]);
    expect([kept.length, sum(kept)]).toEqual([250, 124875]);
    const { betas, timestepMap } = gaussianDiffusion({ schedule: 'linear', timesteps: 1000, respacing: '250' });
    relative(betas[0], 1e-4);
    relative(betas[1], 0.0005990655645);
    relative(betas[249], 0.07751934499);
    expect(timestepMap).toEqual(kept);
  });

  test('rounds half to even', () => {
    const fifty = spaceTimesteps(1000, '50');
    expect([...fifty.slice(0, 6), ...fifty.slice(-3)]).toEqual([0, 20, 41, 61, 82, 102, 958, 979, 999]);
    expect(sum(fifty)).toBe(24975);
    const kept = [...spaceTimesteps(1000, '25')];
    expect(sum(Int32Array.from(kept))).toBe(12487);
    expect(kept).toEqual(expect.arrayContaining([166, 832]));
    expect(kept).not.toContain(167);
    expect(sum(spaceTimesteps(1000, '10'))).toBe(4995);
  });

  test('takes sections', () => {
    const three = spaceTimesteps(300, [10, 15, 20]);
    expect([three.length, sum(three)]).toEqual([45, 7727]);
    expect(spaceTimesteps(300, '10,15,20')).toEqual(three);
    const five = spaceTimesteps(1000, [10, 10, 20, 20, 40]);
    expect([five.length, sum(five)]).toEqual([100, 63950]);
  });

  test("takes 'ddimN' where a whole stride gives N steps", () => {
    expect([...spaceTimesteps(1000, 'ddim50').slice(0, 3)]).toEqual([0, 20, 40]);
    expect(spaceTimesteps(1000, 'ddim250').length).toBe(250);
    expect(() => spaceTimesteps(1000, 'ddim300')).toThrow('got ddim300');
  });

  test('says what is wrong', () => {
    expect(() => spaceTimesteps(10, '11')).toThrow('respacing[0]: expected at most 10 steps of its section, got 11');
    expect(() => spaceTimesteps(10, 'many')).toThrow("got 'many'");
    expect(() => spaceTimesteps(10, [0])).toThrow('at least one step');
    expect(() => spaceTimesteps(10, [1.5])).toThrow('respacing[0]: expected a whole number');
  });
});

describe('schedules', () => {
  const fixture = readFixture<{
    timesteps: number;
    betas: Record<ScheduleName, number[]>;
    zeroTerminalSnr: number[];
    zeroLast: number;
  }>(import.meta.url, '../fixtures/schedules.json');
  const every20 = (betas: Float64Array) => betas.filter((_, i) => i % 20 === 0);

  test.each(['linear', 'scaled_linear', 'squaredcos_cap_v2', 'sigmoid'] as const)('%s is that of diffusers', (kind) => {
    expectClose(every20(betaSchedule({ kind }, fixture.timesteps)), fixture.betas[kind], { rtol: 1e-5, atol: 1e-8 });
  });

  test('rescales to zero terminal SNR', () => {
    const betas = rescaleZeroTerminalSnr(betaSchedule({ kind: 'linear' }, 200));
    expectClose(every20(betas), fixture.zeroTerminalSnr, { rtol: 2e-4, atol: 1e-7 });
    expect(betas[199]).toBe(fixture.zeroLast);
    const p = gaussianDiffusion({ prediction: 'velocity', zeroTerminalSnr: true, timesteps: 200 });
    expect(p.alphasCumprod[199]).toBe(0);
    expect(() => gaussianDiffusion({ zeroTerminalSnr: true })).toThrow('zeroTerminalSnr');
    expect(() => rescaleZeroTerminalSnr(Float64Array.of(0.1))).toThrow('at least 2 steps');
  });

  test('has the older schedules (Ho et al. 2020)', () => {
    expectClose(betaSchedule('const', 4), [0.02, 0.02, 0.02, 0.02]);
    expectClose(betaSchedule('jsd', 4), [1 / 4, 1 / 3, 1 / 2, 1]);
    expectClose(betaSchedule('warmup10', 20).slice(0, 3), [1e-4, 0.02, 0.02]);
    expectClose(betaSchedule('warmup50', 4), [1e-4, 0.02, 0.02, 0.02]);
    expectClose(betaSchedule('quad', 3), [1e-4, ((0.01 + Math.sqrt(0.02)) / 2) ** 2, 0.02]);
    expectClose(betaSchedule('linear', 100), betaSchedule({ kind: 'linear', betaStart: 1e-3, betaEnd: 0.2 }, 100));
    expectClose(betaSchedule({ kind: 'betas', betas: [0.1, 0.2] }, 2), [0.1, 0.2]);
  });

  test('says what is wrong', () => {
    expect(() => betaSchedule({ kind: 'betas', betas: [0.1] }, 2)).toThrow('betas: expected 2 values, got 1');
    expect(() => betaSchedule({ kind: 'betas', betas: [0.1, 2] }, 2)).toThrow(
      'betas[1]: expected a value in (0, 1], got 2',
    );
    expect(() => betaSchedule('linear', 0)).toThrow('timesteps: expected a whole number in [1, 16777216], got 0');
    expect(() => betaSchedule('steep' as ScheduleName, 2)).toThrow(
      "schedule: expected 'linear', 'cosine', 'squaredcos_cap_v2'",
    );
  });
});

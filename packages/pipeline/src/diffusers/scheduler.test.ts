import { describe, expect, test } from 'vitest';
import { parseConfig } from '../config/load';
import { ConfigError } from '../errors';
import { readModelIndex, writeModelIndex } from './model-index';
import { schedulerFromDiffusers, schedulerToDiffusers } from './scheduler';

const ddim = (fields: object = {}) => ({ _class_name: 'DDIMScheduler', _diffusers_version: '0.42.1', ...fields });

describe('scheduler_config.json', () => {
  test('fields that a file lacks have the values of diffusers', () => {
    expect(schedulerFromDiffusers(ddim())).toEqual({
      diffusion: { process: 'gaussian', schedule: 'linear', timesteps: 1000, prediction: 'epsilon' },
      sampling: { sampler: 'ddim', clip: true, spacing: 'leading' },
    });
  });

  test.each([
    [{ clip_sample: false }, { sampling: { clip: false } }],
    [{ clip_sample_range: 2.5 }, { sampling: { clip: 2.5 } }],
    [{ timestep_spacing: 'trailing' }, { sampling: { spacing: 'trailing' } }],
    [{ beta_schedule: 'squaredcos_cap_v2', beta_start: 7 }, { diffusion: { schedule: 'cosine' } }],
    [
      { beta_schedule: 'scaled_linear', num_train_timesteps: 100 },
      { diffusion: { schedule: 'scaled_linear', timesteps: 100 } },
    ],
    [
      { num_train_timesteps: 500, beta_start: 2e-4, beta_end: 0.04 },
      { diffusion: { schedule: 'linear', timesteps: 500 } },
    ],
    [{ prediction_type: 'sample' }, { diffusion: { prediction: 'x0' } }],
    [{ prediction_type: 'v_prediction' }, { diffusion: { prediction: 'velocity' } }],
  ])('%j means %j', (fields, expected) => {
    expect(schedulerFromDiffusers(ddim(fields))).toMatchObject(expected);
  });

  test.each<[unknown, RegExp]>([
    [null, /^scheduler: expected an object, got null/],
    [{}, /^_class_name: expected DDIMScheduler, got undefined/],
    [
      ddim({ _class_name: 'EulerDiscreteScheduler' }),
      /^_class_name: expected DDIMScheduler, got "EulerDiscreteScheduler"/,
    ],
    [ddim({ skip_prk_steps: true }), /^skip_prk_steps: expected no such field of a DDIMScheduler, got true/],
    [ddim({ trained_betas: [0.1] }), /^trained_betas: expected null, got \[0.1\]/],
    [ddim({ set_alpha_to_one: false }), /^set_alpha_to_one: expected true, got false/],
    [ddim({ steps_offset: 1 }), /^steps_offset: expected 0, got 1/],
    [ddim({ thresholding: true }), /^thresholding: expected false, got true/],
    [ddim({ rescale_betas_zero_snr: true }), /^rescale_betas_zero_snr: expected false, got true/],
    [
      ddim({ beta_schedule: 'sigmoid' }),
      /^beta_schedule: expected linear or scaled_linear or squaredcos_cap_v2, got "sigmoid"/,
    ],
    [ddim({ beta_schedule: 'toString' }), /^beta_schedule: expected/],
    [ddim({ beta_end: 0.012 }), /^beta_end: expected 0.02 for "linear" of 1000 timesteps, got 0.012/],
    [ddim({ num_train_timesteps: 500 }), /^beta_start: expected 0.0002 for "linear" of 500/],
    [ddim({ num_train_timesteps: 1.5 }), /^num_train_timesteps: expected a whole number/],
    [ddim({ prediction_type: 'flow' }), /^prediction_type: expected epsilon or sample or v_prediction, got "flow"/],
    [ddim({ timestep_spacing: 'linspace' }), /^timestep_spacing: expected leading or trailing, got "linspace"/],
    [ddim({ clip_sample: 'no' }), /^clip_sample: expected true or false, got "no"/],
    [ddim({ clip_sample_range: 0 }), /^clip_sample_range: expected a number above 0, got 0/],
  ])('%j is refused by the field', (file, message) => {
    expect(() => schedulerFromDiffusers(file)).toThrow(ConfigError);
    expect(() => schedulerFromDiffusers(file)).toThrow(message);
  });

  test.each([
    {},
    { diffusion: { schedule: 'linear', timesteps: 400, prediction: 'velocity' }, sampling: { clip: false } },
    { diffusion: { schedule: 'scaled_linear', prediction: 'epsilon' }, sampling: { clip: 3, spacing: 'leading' } },
  ])('what is written of %j is read back', (input) => {
    const { diffusion, sampling } = parseConfig(input, 'test');
    const back = schedulerFromDiffusers(schedulerToDiffusers({ diffusion, sampling }));
    expect(diffusion).toMatchObject(back.diffusion);
    expect({ ...sampling, spacing: sampling.spacing ?? 'trailing' }).toMatchObject(back.sampling);
  });

  test('what diffusers lacks is refused', () => {
    const flow = parseConfig({ diffusion: { process: 'flow' }, sampling: { sampler: 'euler' } }, 'test');
    expect(() => schedulerToDiffusers(flow)).toThrow(/^diffusion.process: expected gaussian/);
    const sigmoid = parseConfig({ diffusion: { schedule: 'sigmoid' } }, 'test');
    expect(() => schedulerToDiffusers(sigmoid)).toThrow(
      /^diffusion.schedule: expected linear, scaled_linear or cosine/,
    );
  });
});

describe('model_index.json', () => {
  const index = (fields: object = {}) => ({ ...writeModelIndex(['a', 'b'], 'AutoencoderKL'), ...fields });

  test('tells classes and parts', () => {
    expect(readModelIndex(index())).toEqual({
      classNames: new Map([
        [0, 'a'],
        [1, 'b'],
      ]),
      vae: true,
    });
    expect(readModelIndex(index({ vae: [null, null], _diffusers_version: '1', id2label: undefined })).vae).toBe(false);
  });

  test.each<[unknown, RegExp]>([
    [[], /^model_index.json: expected an object/],
    [
      index({ _class_name: 'StableDiffusionPipeline' }),
      /^_class_name: expected DiTPipeline, got "StableDiffusionPipeline"/,
    ],
    [index({ safety_checker: ['x', 'y'] }), /^safety_checker: expected no such part/],
    [index({ constructor: ['x', 'y'] }), /^constructor: expected no such part/],
    [index({ transformer: ['diffusers', 'UNet2DModel'] }), /^transformer: expected .*DiTTransformer2DModel.*got/],
    [
      index({ scheduler: ['mine', 'DDIMScheduler'] }),
      /^scheduler: expected \["diffusers", "DDIMScheduler"\], got \["mine"/,
    ],
    [index({ scheduler: undefined }), /^scheduler: expected/],
    [index({ id2label: ['a'] }), /^id2label: expected names by class/],
    [index({ id2label: { a: 'b' } }), /^id2label: expected names by class, got "a": "b"/],
  ])('%j is refused by the field', (file, message) => {
    expect(() => readModelIndex(file)).toThrow(message);
  });
});

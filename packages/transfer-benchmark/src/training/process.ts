import { type GaussianDiffusion, gaussianDiffusion } from '@learngene/diffusion';

/** The diffusion process of all models of all plans: cosine schedule, the network predicts the clean image. */
export const diffusion: GaussianDiffusion = gaussianDiffusion({
  schedule: 'cosine',
  timesteps: 1000,
  prediction: 'x0',
  variance: 'fixed-small',
  loss: 'mse',
});

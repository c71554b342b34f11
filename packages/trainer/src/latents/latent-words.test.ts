import { expect, test } from 'vitest';
import { latentScaleWords } from './latent-words';

test.each([
  [-0.0256, 1.1025807857513428, '(latents + 0.0256) * 1.103'],
  [0.11590001, 0.36110001, '(latents - 0.1159) * 0.3611'],
  [0, 0.18215, 'latents * 0.1822'],
])('a shift of %d and a scale of %d are said in four digits and one sign', (shiftFactor, scalingFactor, seen) => {
  const statistics = { mean: -0.02561234, deviation: 0.90696 };
  const words = latentScaleWords({ statistics, autoencoder: { shiftFactor, scalingFactor } } as never);
  expect(words).toBe(`mean -0.02561, standard deviation 0.907; the network sees ${seen}`);
});

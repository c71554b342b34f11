/** A plan of the transfer benchmark for tests that takes seconds in plain JavaScript, on the images that the tests write. */
export function tinyPlan(path: string) {
  return {
    name: 'tiny',
    seeds: [0],
    datasets: { tiny: { source: 'packed' as const, path, holdOut: 0.5 } },
    tasks: { tiny: { dataset: 'tiny', pretraining: ['bars'], tuning: ['dots'], novel: ['flat'] } },
    model: { patchSize: 4, hiddenSize: 16, depth: 2, heads: 2, learngeneRank: 4, tailorRank: 2 },
    pretraining: { steps: 4, batchSize: 4, learningRates: [1e-3], warmup: 1, checkpointEvery: 2 },
    transfer: { batchSize: 4, warmup: 1 },
    tuning: { learningRates: [1e-2], scales: [2], imagesPerClass: 4, steps: 2, samplesPerClass: 5 },
    evaluation: { samplesPerClass: 5, curve: [0.5], samplingSteps: 2, validationPerClass: 4, losses: 1, logEvery: 1 },
    classifier: { steps: 2, batchSize: 4 },
    sweeps: [
      {
        table: 'iso-parameters' as const,
        tasks: ['tiny'],
        methods: ['kind', 'lora'] as ('kind' | 'lora')[],
        imagesPerClass: [4],
        steps: [2],
      },
    ],
  };
}

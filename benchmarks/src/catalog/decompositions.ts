import type { Row } from './row';

const peer = 'torch.linalg f64';

/** Decompositions in float64. */
export const decompositions: Row[] = [
  ...[
    { rows: 1024, cols: 1024, quick: true },
    { rows: 1024, cols: 4096, quick: false },
  ].map(
    ({ quick, ...spec }): Row => ({
      name: `exact SVD ${spec.rows}x${spec.cols}`,
      section: 'Decompositions',
      task: 'svd',
      spec,
      peers: [{ label: `${peer}, gesdd`, task: 'svd', goal: 1 }],
      quick,
    }),
  ),
  {
    name: 'symmetric eigen 2048',
    section: 'Decompositions',
    task: 'symmetric-eigen',
    spec: { size: 2048 },
    peers: [{ label: `${peer}.eigh`, task: 'symmetric-eigen', goal: 1 }],
  },
  ...[
    { rows: 1024, cols: 1024, rank: 64, quick: true },
    { rows: 1024, cols: 4096, rank: 64, quick: false },
  ].map(
    ({ quick, ...spec }): Row => ({
      name: `randomised SVD ${spec.rows}x${spec.cols}, k=${spec.rank}`,
      section: 'Decompositions',
      task: 'randomized-svd',
      spec,
      peers: [
        { label: 'scikit-learn randomized_svd f64', task: 'randomized-svd', goal: 1 },
        { label: 'torch.svd_lowrank f64, as many iterations', task: 'randomized-svd-torch' },
      ],
      quick,
      note: '10 oversamples, 7 power iterations with LU',
    }),
  ),
];

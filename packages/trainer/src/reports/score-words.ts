/** How a FID is read, in a sentence. */
export const FID_WORDS =
  'A FID is a distance: noise in the place of the samples shows what is nothing, training images show what real pictures get against other real pictures.';

/** The scores of a run as {@link fidWords} reads them. */
export interface FidMarks {
  /** Of the samples. */
  fid: number;
  /** Of noise in their place. */
  noiseFid: number;
  /** Of the training images. */
  trainFid: number;
}

/** What a FID means, by what noise and what training images have. */
export function fidWords({ fid, noiseFid, trainFid }: FidMarks): string {
  const shown = (value: number) => value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
  const way = (noiseFid - fid) / (noiseFid - trainFid);
  const gone = `${Math.round(100 * Math.min(1, Math.max(0, way)))} % of the way from noise to real pictures`;
  const far = noiseFid > trainFid ? `, ${gone}` : '';
  return `FID ${shown(fid)}: noise in the place of the samples has ${shown(noiseFid)}, training images have ${shown(trainFid)}${far}.`;
}

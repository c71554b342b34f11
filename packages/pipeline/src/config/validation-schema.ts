import * as z from 'zod';

const positive = () => z.int().positive();

/** What is measured on held-out images while training. */
export const validationSchema = () =>
  z.strictObject({
    /** Steps between two measurements; the last step is measured too. */
    every: positive().describe('steps between two measurements; the last step is measured too'),
    /** Most images that are measured, spread over the classes (default: all that data.holdOut holds out). */
    images: positive()
      .optional()
      .describe('most images that are measured, spread over the classes (default: all that data.holdOut holds out)'),
    /** Steps between two FIDs of samples against those images; the last step is measured too (default: none). */
    fidEvery: positive()
      .optional()
      .describe(
        'steps between two FIDs of samples against those images; the last step is measured too (default: none)',
      ),
    /** Samples of a FID, spread over the classes (default: as many as there are images, at most 256). */
    fidImages: z
      .int()
      .min(2)
      .optional()
      .describe('samples of a FID, spread over the classes (default: as many as there are images, at most 256)'),
    /** Training steps of the classifier whose features a FID compares (default 300). */
    fidClassifierSteps: positive()
      .optional()
      .describe('training steps of the classifier whose features a FID compares (default 300)'),
  });

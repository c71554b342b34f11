import * as z from 'zod';

const positive = () => z.int().positive();
const fraction = () => z.number().min(0).max(1);

/** The kinds of data that are read. */
export const DATA_SOURCES = ['emoji', 'folder', 'idx', 'cifar10', 'cifar100', 'packed', 'webdataset'] as const;

/** Where the images come from, and which classes are for pre-training and which are held back as novel. */
export const dataSchema = () =>
  z.strictObject({
    /** Kind of data; told by what lies at the path where it is left out. */
    source: z
      .enum(DATA_SOURCES)
      .optional()
      .describe('kind of data; told by what lies at the path where it is left out'),
    /** Folder or file of the data (not needed for emoji). */
    path: z.string().optional().describe('folder or file of the data (not needed for emoji)'),
    /** Pixels a side that image files are cropped and resized to (default 32); arrays keep their own size. */
    size: z
      .int()
      .min(4)
      .max(1024)
      .optional()
      .describe('pixels a side that image files are cropped and resized to (default 32); arrays keep their own size'),
    /** Which part of IDX and CIFAR data. */
    split: z.enum(['train', 'test']).default('train').describe('which part of IDX and CIFAR data'),
    /** Which set of EMNIST, or the labels of CIFAR-100 (default fine). */
    variant: z
      .enum(['byclass', 'bymerge', 'balanced', 'letters', 'digits', 'mnist', 'fine', 'coarse'])
      .optional()
      .describe('which set of EMNIST, or the labels of CIFAR-100 (default fine)'),
    /** Classes to pre-train on (default: all that are not novel). */
    classes: z.array(z.string()).optional().describe('classes to pre-train on (default: all that are not novel)'),
    /** Classes kept out of pre-training. */
    novel: z.array(z.string()).default([]).describe('classes kept out of pre-training'),
    /** What the classes are called: imagenet (by wnid or number), { class: name, ... }, or a JSON or TSV file of that. */
    classNames: z
      .union([z.string(), z.record(z.string(), z.string())])
      .optional()
      .describe(
        'names of the classes: imagenet (by wnid or number), { class: name, ... }, or a JSON or TSV file of that',
      ),
    /** Classes to merge: { superclass: [class, ...], ... }, a JSON or TSV file of that, or learngene-606-v1. */
    superclasses: z
      .union([z.string(), z.record(z.string(), z.array(z.string()))])
      .optional()
      .describe('classes to merge: { superclass: [class, ...], ... }, a JSON or TSV file of that, or learngene-606-v1'),
    /** Classes with fewer images are left out. */
    minPerClass: positive().default(1).describe('classes with fewer images are left out'),
    /** Fraction of each class kept out of the training, for evaluation and the validation loss. */
    holdOut: fraction()
      .default(0.1)
      .describe('fraction of each class kept out of the training, for evaluation and the validation loss'),
    /** Draw all classes equally often, however many images they have. */
    balance: z.boolean().default(true).describe('draw all classes equally often, however many images they have'),
    /** Mirror images at random. */
    flip: z.boolean().default(true).describe('mirror images at random'),
    /** Emoji: with the skin-tone variations. */
    skinVariations: z.boolean().default(false).describe('emoji: with the skin-tone variations'),
    /** Folder: turn images upright by their EXIF tag. */
    autoOrient: z.boolean().default(true).describe('folder: turn images upright by their EXIF tag'),
    /** Folder of latents of these images, as `learngene data latents` writes it. */
    latents: z.string().optional().describe('folder of latents of these images, as learngene data latents writes it'),
    /** What to do with images that cannot be read. */
    onCorrupt: z.enum(['error', 'skip']).default('error').describe('what to do with images that cannot be read'),
  });

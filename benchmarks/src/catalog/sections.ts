/** Sections of the table, in order. */
export const sections = [
  'Training',
  'KIND',
  'Sampling and inference',
  'Matrix products',
  'Operations',
  'Autoencoders',
  'Decompositions',
  'Memory',
  'Engines',
  'Growth',
] as const;

/** A section of the table. */
export type Section = (typeof sections)[number];

/** Names of the autoencoders that are shipped, each in a package of its own. */
export const SHIPPED_AUTOENCODERS = ['emoji'] as const;

/** The name of a shipped autoencoder. */
export type ShippedAutoencoder = (typeof SHIPPED_AUTOENCODERS)[number];

/** Whether a word is the name of a shipped autoencoder. */
export function isShippedAutoencoder(word: unknown): word is ShippedAutoencoder {
  return SHIPPED_AUTOENCODERS.some((name) => name === word);
}

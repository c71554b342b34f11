import type { ShippedAutoencoder } from '../config/shipped-autoencoders';
import { ConfigError } from '../errors';

/** The package of a shipped autoencoder, which need not be installed. */
export interface ShippedPackage {
  /** What to install. */
  readonly install: string;
  /** Imports the package and gives its folder of weights. */
  readonly folder: () => Promise<string>;
}

/** The packages of the shipped autoencoders: optional peers of this package. */
const PACKAGES: Readonly<Record<ShippedAutoencoder, ShippedPackage>> = {
  emoji: {
    install: '@learngene/vae-emoji',
    folder: async () => (await import('@learngene/vae-emoji/node')).emojiVaeFolder(),
  },
};

/** What Node says of a package that is not there, to `import` and to `require`. */
const NOT_FOUND = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'];

/**
 * The folder of a shipped autoencoder.
 *
 * @param argument - what named it, for messages.
 * @throws ConfigError that names the package to install where it is not there
 */
export async function shippedFolder(
  name: ShippedAutoencoder,
  argument: string,
  packages: Readonly<Record<ShippedAutoencoder, ShippedPackage>> = PACKAGES,
): Promise<string> {
  const { install, folder } = packages[name];
  try {
    return await folder();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // What the package itself lacks is another error.
    if (!NOT_FOUND.includes(code ?? '') || !message.split('\n', 1)[0].includes(`'${install}`)) throw error;
    throw new ConfigError(
      `${argument}: the autoencoder "${name}" is in the package ${install}: npm install ${install}`,
      {
        argument,
        cause: error,
      },
    );
  }
}

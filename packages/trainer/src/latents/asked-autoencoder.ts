import {
  type Config,
  ConfigError,
  checkSameAutoencoder,
  type RecipeAutoencoder,
  recipeAutoencoder,
} from '@learngene/pipeline';
import { type AutoencoderFiles, readAutoencoder } from '@learngene/pipeline/node';

const ARGUMENT = 'autoencoder';

/**
 * Reads the autoencoder in whose latents a model works, where a request says that it lies, and else where the model's recipe does.
 *
 * @param asked - what was asked for beside the model; its hash, where it has one, is compared too.
 * @returns its files; undefined for a model of pixels
 * @throws ConfigError that names both where it is another one, and for one with a model of pixels
 */
export async function readAskedAutoencoder(
  recipe: Pick<Config, 'autoencoder'>,
  asked: Config['autoencoder'],
): Promise<{ files: AutoencoderFiles; wanted: RecipeAutoencoder } | undefined> {
  const wanted = recipeAutoencoder(recipe);
  if (wanted === undefined) {
    if (asked === undefined) return undefined;
    throw new ConfigError(`${ARGUMENT}: the model works in pixels and takes none; leave it out`, {
      argument: ARGUMENT,
    });
  }
  const { path, name, hash } = asked ?? {};
  const place = path === undefined && name === undefined ? { path: wanted.path, name: wanted.name } : { path, name };
  const files = await readAutoencoder(place);
  const owner = { argument: ARGUMENT, owner: 'the model works in latents' };
  checkSameAutoencoder(wanted, files, owner);
  if (hash !== undefined) checkSameAutoencoder(wanted, { ...place, hash }, owner);
  return { files, wanted };
}

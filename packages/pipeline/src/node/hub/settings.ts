import { homedir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../../errors';

/** What of the environment says how the Hub is reached; `huggingface_hub` of Python reads the same variables. */
export type HubEnvironment = Readonly<Record<string, string | undefined>>;

/** How the Hub is reached. */
export interface HubSettings {
  /** The folder of all that was fetched, which `huggingface_hub` of Python shares. */
  readonly cache: string;
  /** The address of the Hub. */
  readonly endpoint: string;
  /** The access token. It goes into requests to the Hub and nowhere else. */
  readonly token?: string;
  /** Whether nothing may be fetched. */
  readonly offline: boolean;
}

/**
 * Reads how the Hub is reached: `HF_HUB_CACHE` (else `HUGGINGFACE_HUB_CACHE`, or `hub` in `HF_HOME`) is the cache, `HF_ENDPOINT`
 * the address, `HF_TOKEN` (else `HUGGING_FACE_HUB_TOKEN`) the token, and `HF_HUB_OFFLINE=1` fetches nothing.
 *
 * @throws ConfigError for a token of another form, which it does not show, and an endpoint that is no http(s) address
 */
export function hubSettings(environment: HubEnvironment): HubSettings {
  const of = (...names: string[]) => names.map((name) => environment[name]?.trim()).find(Boolean);
  const home = of('HF_HOME') ?? join(of('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'huggingface');
  const endpoint = (of('HF_ENDPOINT') ?? 'https://huggingface.co').replace(/\/+$/, '');
  if (!/^https?:\/\/[^/?#@]+(?:\/[^?#]*)?$/.test(endpoint)) {
    throw new ConfigError(`HF_ENDPOINT: expected an address of http or https, got ${JSON.stringify(endpoint)}`);
  }
  const token = of('HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN');
  if (token !== undefined && !/^hf_[\w-]+$/.test(token)) {
    throw new ConfigError('HF_TOKEN: expected a token that begins with hf_, got another text');
  }
  return {
    cache: of('HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE') ?? join(home, 'hub'),
    endpoint,
    ...(token !== undefined && { token }),
    offline: /^(?:1|on|yes|true)$/i.test(of('HF_HUB_OFFLINE') ?? ''),
  };
}

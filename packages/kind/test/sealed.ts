import { manifestChecksum } from '../src/bundle/manifest-checksum';

/** The bytes of a kind.json with the checksum of its content, as one who forges a bundle writes it. */
export async function sealed(json: object): Promise<Uint8Array> {
  return new TextEncoder().encode(JSON.stringify({ ...json, checksum: await manifestChecksum(json) }));
}

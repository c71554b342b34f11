/** Names of programs that do the work of a graphics processor. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render|cpu/i;

/** Whether the name of an adapter is that of a program, not of a graphics processor. */
export function isSoftware(adapter: string): boolean {
  return SOFTWARE.test(adapter);
}

/** What WebGPU's adapter says of itself. */
export function describeAdapter({ info }: GPUAdapter): { detail: string; accelerated: boolean } {
  const { vendor, architecture, description } = info;
  const name = [description, vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter';
  const fallback = (info as { isFallbackAdapter?: boolean }).isFallbackAdapter === true;
  return describeProcessor(name, !fallback && !isSoftware(name));
}

/** The name of a graphics processor, with a remark where it is none. */
export function describeProcessor(name: string, accelerated: boolean): { detail: string; accelerated: boolean } {
  return { detail: accelerated ? name : `${name} (a software adapter, no graphics processor)`, accelerated };
}

/** Answers from memory and keeps a list of what was asked. */
export function memory(files: ReadonlyMap<string, Uint8Array>) {
  const asked: [string, number | undefined][] = [];
  const fetchPiece = async (file: string, expected?: { bytes: number }) => {
    asked.push([file, expected?.bytes]);
    const bytes = files.get(file);
    if (!bytes) throw new Error('404');
    return bytes;
  };
  return { asked, fetchPiece };
}

/** Pictures side by side: uint8 [count, height, width, channels]. */
export interface Pictures {
  data: Uint8Array;
  count: number;
  height: number;
  width: number;
  channels: number;
}

const gap = 2;

/** Lays pictures out in rows of `columns` on white, enlarged to at least about 64 pixels a side, as PNG bytes. */
export async function gridPng({ data, count, height, width, channels }: Pictures, columns: number): Promise<Buffer> {
  const rows = Math.ceil(count / columns);
  const gridWidth = columns * (width + gap) + gap;
  const gridHeight = rows * (height + gap) + gap;
  const grid = new Uint8Array(gridWidth * gridHeight * 3).fill(255);
  for (let n = 0; n < count; n++) {
    const top = gap + Math.floor(n / columns) * (height + gap);
    const left = gap + (n % columns) * (width + gap);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = ((n * height + y) * width + x) * channels;
        const to = ((top + y) * gridWidth + left + x) * 3;
        for (let c = 0; c < 3; c++) grid[to + c] = data[from + (channels === 1 ? 0 : c)];
      }
    }
  }
  const scale = Math.max(1, Math.round(64 / width));
  const { default: sharp } = await import('sharp');
  return sharp(grid, { raw: { width: gridWidth, height: gridHeight, channels: 3 } })
    .resize(gridWidth * scale, gridHeight * scale, { kernel: 'nearest' })
    .png({ compressionLevel: 9, palette: false })
    .toBuffer();
}

import { BICUBIC, resample } from '@learngene/datasets';
import type { Images } from '@learngene/report';

/** Images resized to `size` pixels a side, by Pillow's bicubic filter; those of that size stay as they are. */
export function resizeImages(images: Images, size: number): Images {
  const { count, height, width, channels } = images;
  if (height === size && width === size) return images;
  const data = new Uint8Array(count * size * size * channels);
  const bytes = height * width * channels;
  for (let i = 0; i < count; i++) {
    const image = { data: images.data.subarray(i * bytes, (i + 1) * bytes), height, width, channels };
    data.set(resample(image, size, size, BICUBIC).data, i * size * size * channels);
  }
  return { data, count, height: size, width: size, channels };
}

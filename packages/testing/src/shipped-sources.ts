import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The TypeScript files of packages and apps that are shipped, with their texts, by their path in the repository. */
export function shippedSources(): [path: string, text: string][] {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group)).flatMap((name) =>
      readdirSync(join(root, group, name, 'src'), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
        .map((file): [string, string] => {
          const path = join(root, group, name, 'src', file);
          return [relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8')];
        }),
    ),
  );
}

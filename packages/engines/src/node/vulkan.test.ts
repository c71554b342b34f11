import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { describe, expect, test } from 'vitest';
import { missingPiece } from './vulkan';

const folder = temporaryFolder('vulkan');

function machine(name: string, files: readonly string[]): string {
  const root = join(folder, name);
  mkdirSync(root);
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), '{}');
  }
  return root;
}

const loader = '/usr/lib/x86_64-linux-gnu/libvulkan.so.1';
const driver = '/usr/share/vulkan/icd.d/radeon_icd.x86_64.json';

describe('missingPiece on Linux', () => {
  test.each<[string, string[], NodeJS.ProcessEnv, string, string]>([
    ['nothing', [], {}, 'the Vulkan loader (libvulkan.so.1) is not installed', 'libvulkan1'],
    ['driver-only', [driver], {}, 'the Vulkan loader (libvulkan.so.1) is not installed', 'libvulkan1'],
    ['loader-only', [loader], {}, 'no driver (none in vulkan/icd.d)', 'mesa-vulkan-drivers'],
    [
      'loader-elsewhere',
      ['/opt/x/libvulkan.so.1'],
      { LD_LIBRARY_PATH: '/nowhere:/opt/x' },
      'no driver (none in vulkan/icd.d)',
      'mesa-vulkan-drivers',
    ],
    [
      'driver-named-and-missing',
      [loader, driver],
      { VK_ICD_FILENAMES: '/opt/icd.json' },
      'no driver (none in /opt/icd.json, which the environment names)',
      'mesa-vulkan-drivers',
    ],
    ['both', [loader, driver], {}, 'no graphics processor that they can use', 'vulkaninfo'],
    [
      'both-at-home',
      [loader, '/home/u/.local/share/vulkan/icd.d/a.json'],
      { HOME: '/home/u' },
      'can use',
      'vulkaninfo',
    ],
    [
      'both-named',
      [loader, '/opt/icd.json'],
      { VK_DRIVER_FILES: '/opt/icd.json', VK_ICD_FILENAMES: '/nowhere' },
      'no graphics processor that they can use',
      '/dev/dri',
    ],
  ])('%s', (name, files, env, reason, remedy) => {
    const missing = missingPiece({ platform: 'linux', env, root: machine(name, files) });
    expect(missing.reason).toContain(reason);
    expect(missing.remedy).toContain(remedy);
  });
});

test('missingPiece elsewhere names what that system has', () => {
  expect(missingPiece({ platform: 'darwin' }).reason).toContain('Metal');
  expect(missingPiece({ platform: 'win32' }).reason).toContain('D3D12');
});

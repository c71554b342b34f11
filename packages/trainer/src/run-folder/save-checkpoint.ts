import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { saveParams } from '@learngene/nn/node';
import {
  CHECKPOINT_FORMAT,
  type CheckpointContent,
  checkpointPath,
  checksumOf,
  type StateFile,
} from '@learngene/pipeline/node';
import { sha256File, writeFolderAtomic } from '@learngene/tensor-io/node';

/** Writes the checkpoint of a step. It appears by a rename, complete or not at all. */
export async function saveCheckpoint(run: string, step: number, { trees, state }: CheckpointContent): Promise<void> {
  await writeFolderAtomic(
    checkpointPath(run, step),
    async (folder) => {
      const files: Record<string, string> = {};
      for (const [name, tree] of Object.entries(trees)) {
        const file = join(folder, `${name}.safetensors`);
        await saveParams(file, tree);
        files[name] = await sha256File(file);
      }
      const content: StateFile = { format: CHECKPOINT_FORMAT, checksum: checksumOf({ files, state }), files, state };
      await writeFile(join(folder, 'state.json'), `${JSON.stringify(content)}\n`);
    },
    { replace: true },
  );
}

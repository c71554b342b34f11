// Converts a DiT checkpoint between the layouts of facebookresearch/DiT, this library and diffusers, bit for bit.
// A real one is read with readSafetensors of '@learngene/tensor-io/node'; this program makes a small one in memory.
// Run: npm run example convert-dit-checkpoint
import '@tensorflow/tfjs-backend-cpu';
import {
  ditConfig,
  ditFromDiffusers,
  ditFromFacebook,
  ditLayout,
  ditToDiffusers,
  ditToFacebook,
  inferDitConfig,
  initDit,
} from '@learngene/dit';
import { paramsToTensorData } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { decodeSafetensors, encodeSafetensors, type NamedTensors } from '@learngene/tensor-io';
import * as tf from '@tensorflow/tfjs-core';

await tf.setBackend('cpu');

/** The bytes of a checkpoint as the authors' code saves it. */
async function facebookCheckpoint(): Promise<Uint8Array> {
  const config = ditConfig({ inputSize: 8, patchSize: 2, hiddenSize: 32, depth: 2, heads: 4, classes: 10 });
  const params = initDit(createGenerator(0), config);
  return encodeSafetensors(ditToFacebook(await paramsToTensorData(params), config));
}

/** The keys of one block's attention, without their prefix. */
const keysAfter = (tensors: NamedTensors, prefix: string) =>
  [...tensors.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));

const { tensors } = decodeSafetensors(await facebookCheckpoint());
const config = inferDitConfig(tensors, { heads: 4, classes: 10 }); // the shapes tell all other sizes
console.log(`${ditLayout(tensors)}: ${config.depth} blocks of width ${config.hiddenSize}, ${config.classes} classes`);
console.log(' ', keysAfter(tensors, 'blocks.1.attn.').join(' '));

const ours = ditFromFacebook(tensors, config); // splits qkv
console.log(`learngene: ${ours.size} tensors`);
console.log(' ', keysAfter(ours, 'blocks.1.attn.').join(' '));

const theirs = ditToDiffusers(ours, config);
console.log(`diffusers: ${theirs.size} tensors, one copy of the embedders a block`);
console.log(' ', keysAfter(theirs, 'transformer_blocks.1.attn1.').join(' '));

const back = ditToFacebook(ditFromDiffusers(theirs, config), config);
const same = Buffer.compare(encodeSafetensors(back), encodeSafetensors(tensors)) === 0;
console.log(`back to facebook: ${same ? 'the same bits' : 'other bits'}`);

/* prints
facebook: 2 blocks of width 32, 10 classes
  proj.bias proj.weight qkv.bias qkv.weight
learngene: 39 tensors
  q.weight k.weight v.weight q.bias k.bias v.bias o.weight o.bias
diffusers: 44 tensors, one copy of the embedders a block
  to_q.weight to_q.bias to_k.weight to_k.bias to_v.weight to_v.bias to_out.0.weight to_out.0.bias
back to facebook: the same bits
*/

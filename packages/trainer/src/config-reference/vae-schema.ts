import { type JsonSchema, jsonSchemaOf } from '@learngene/pipeline/node';
import * as z from 'zod';
import { vaeTrainingSchema } from '../vae/config';

const width = () => z.int().positive();
const widths = () => z.array(width());

/**
 * The fields of an autoencoder's own configuration that a training may set, each with what it means. A preset gives their
 * defaults, and refuses those of the other kind of autoencoder.
 */
const vaeModelFields = () => ({
  imageChannels: width().describe('channels of an image (default: those of the images)'),
  latentChannels: width().describe('channels of a latent'),
  encoderWidths: widths().describe('tiny: channels of each level of the encoder, the outermost first'),
  encoderBlocks: widths().describe('tiny: residual blocks of each level of the encoder'),
  decoderWidths: widths().describe('tiny: channels of each level of the decoder, the innermost first'),
  decoderBlocks: widths().describe('tiny: residual blocks of each level of the decoder'),
  activation: z.enum(['relu', 'silu']).describe('tiny: nonlinearity of the residual blocks'),
  blockConvs: width().describe('tiny: 3x3 convolutions of a residual block'),
  blockOrder: z
    .enum(['post-activation', 'pre-activation'])
    .describe('tiny: where the activation of a residual block stands'),
  resampling: z.enum(['strided', 'shuffle']).describe('tiny: how a level halves the sides'),
  midBlockPooling: z
    .boolean()
    .describe('tiny: whether the innermost blocks add a branch with statistics of the whole image'),
  latentClamp: z.enum(['decoder', 'encoder']).describe('tiny: which of the two limits latents to (-3, 3)'),
  latentMagnitude: z.number().positive().describe('tiny: half of the range of latents that are stored as bytes'),
  latentShift: z.number().describe('tiny: middle of that range, in [0, 1]'),
  widths: widths().describe('AutoencoderKL: channels of each level, the outermost first'),
  blocksPerLevel: width().describe('AutoencoderKL: residual blocks of a level of the encoder'),
  normGroups: width().describe('AutoencoderKL: groups of every group norm'),
  midBlockAttention: z.boolean().describe('AutoencoderKL: whether the middle has an attention layer'),
  quantConv: z.boolean().describe('AutoencoderKL: whether a 1x1 convolution follows the encoder'),
  postQuantConv: z.boolean().describe('AutoencoderKL: whether a 1x1 convolution precedes the decoder'),
  sampleSize: width().describe('AutoencoderKL: side in pixels of the images, the default size of a tile'),
});

/** The JSON schema of the configuration of an autoencoder's training, with all fields of its model. */
export function vaeJsonSchema(): JsonSchema {
  const schema = vaeTrainingSchema();
  const model = schema.shape.model.unwrap().extend(z.object(vaeModelFields()).partial().shape);
  const whole = schema.extend({ model: z.strictObject(model.shape).prefault({}).describe('the autoencoder') });
  return jsonSchemaOf(whole, 'Configuration of the training of an autoencoder');
}

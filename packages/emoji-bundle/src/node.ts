export { emojiBundleFolder, type OpenEmojiPipelineOptions, openEmojiPipeline } from './open-pipeline';

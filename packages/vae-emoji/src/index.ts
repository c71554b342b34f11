export { type EmojiVae, emojiVaeFromFiles, type FetchEmojiVaeOptions, fetchEmojiVae } from './load';

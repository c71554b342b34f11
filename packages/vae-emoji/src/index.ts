export { emojiVaeFromFiles, type FetchEmojiVaeOptions, fetchEmojiVae } from './load';

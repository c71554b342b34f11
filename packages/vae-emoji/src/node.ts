export { emojiVaeFolder, readEmojiVae } from './node-read';

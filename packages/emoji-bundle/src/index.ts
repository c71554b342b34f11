export { EMOJI_CLASSES, type EmojiClass } from './classes';

// In a ```console block the command lines stand out, and what they print is plain.
const textOf = (node) => node.value ?? (node.children ?? []).map(textOf).join('');

/** A transformer of shiki. */
export const consoleLines = {
  name: 'console-lines',
  span(node) {
    if (this.options.lang === 'console') node.properties.style = undefined;
  },
  line(node) {
    // A command that goes on in the next line has its options there.
    const isCommand = this.options.lang === 'console' && /^(\$ | +--)/.test(textOf(node));
    if (isCommand) this.addClassToHast(node, 'command');
  },
};

/**
 * Waits for the next turn of the event loop. Some engines work only in microtasks: without a turn a page is not
 * redrawn, and a signal such as Ctrl-C is not noticed.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    // A page: setTimeout waits for 4 ms after a few calls, a message does not.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

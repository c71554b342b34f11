// tfjs-core registers no gradients by itself; this import registers all of them in the global registry.
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';

import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';

/** Ops that tfjs's WebGPU backend answers on the host, without a program: their inputs are not uploaded. */
const VIEWS = ['Identity', 'Reshape', 'ExpandDims'];

/**
 * A cpu backend under the name `webgpu` that gives values as WebGPU in Node does. Once an op has made a tensor or used
 * it, its values can only be read asynchronously. Tensors made from numbers, and those read before, can be read at
 * once.
 */
class DeviceBackend extends MathBackendCPU {
  readonly #onDevice = new WeakSet<object>();
  #running = 0;

  /** As in tfjs's WebGPU backend: the values, where the host has them. */
  readonly tensorMap = {
    get: (dataId: object) => (this.#onDevice.has(dataId) ? { values: null } : { values: super.readSync(dataId) }),
  };

  /** Runs a kernel of the cpu backend; what it takes and what it makes is on the device from then on. */
  compute(kernel: tf.KernelConfig, args: Parameters<tf.KernelFunc>[0]): tf.TensorInfo | tf.TensorInfo[] {
    this.#running++;
    try {
      const result = kernel.kernelFunc(args);
      if (VIEWS.includes(kernel.kernelName)) return result;
      // An optional input, such as the bias of a fused product, may be undefined.
      const tensors = [...Object.values(args.inputs), result].flat() as (tf.TensorInfo | undefined)[];
      for (const tensor of tensors) if (tensor) this.#onDevice.add(tensor.dataId);
      return result;
    } finally {
      this.#running--;
    }
  }

  override async read(dataId: object): Promise<tf.BackendValues> {
    await Promise.resolve();
    this.#onDevice.delete(dataId);
    return super.readSync(dataId);
  }

  override readSync(dataId: object): tf.BackendValues {
    if (this.#running === 0 && this.#onDevice.has(dataId)) throw new ReferenceError('OffscreenCanvas is not defined');
    return super.readSync(dataId);
  }
}

/** Registers the backend `webgpu` of this module under its name and selects it; call it after the gradients are there. */
export async function useDeviceBackend(): Promise<void> {
  if (tf.findBackendFactory('webgpu') === null) {
    const backend = new DeviceBackend();
    tf.registerBackend('webgpu', () => backend);
    for (const kernel of tf.getKernelsForBackend('cpu')) {
      if (kernel.kernelName.startsWith('Learngene')) continue;
      tf.registerKernel({
        ...kernel,
        backendName: 'webgpu',
        setupFunc: undefined,
        kernelFunc: (args) => backend.compute(kernel, args),
      });
    }
  }
  if (!(await tf.setBackend('webgpu'))) throw new Error('the device backend could not be set');
  await tf.ready();
}

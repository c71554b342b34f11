// The two packages that build.mjs makes, and where the CUDA libraries of the second come from.
const gibibyte = 2 ** 30;

/**
 * What can be built, by the name of the engine:
 * package: on npm; folder: of the build, beside this file; wheel: the PyPI project that carries its libtensorflow, pinned in
 * requirements; glibc: the oldest that the wheel takes; download, unpacked: size of the wheel and of what is copied out of it;
 * bytesNeeded: at the peak of a build, without CUDA.
 */
export const variants = {
  'tfjs-node': {
    package: '@tensorflow/tfjs-node',
    folder: 'build',
    wheel: 'tensorflow-cpu',
    requirements: 'requirements.txt',
    glibc: [2, 17],
    download: '0.2 GB',
    unpacked: '0.6 GB',
    bytesNeeded: 1.5 * gibibyte,
  },
  'tfjs-node-gpu': {
    package: '@tensorflow/tfjs-node-gpu',
    folder: 'build-gpu',
    wheel: 'tensorflow',
    requirements: 'requirements-gpu.txt',
    glibc: [2, 27],
    download: '0.6 GB',
    unpacked: '1.3 GB',
    bytesNeeded: 2.5 * gibibyte,
  },
};

/** Where `--cuda` takes the CUDA libraries from; wheels: PyPI projects of requirements-cuda.txt, undefined for all of them. */
export const cudaSources = {
  wheels: {
    wheels: undefined,
    bytesNeeded: 6 * gibibyte,
    download: 'Downloading the CUDA 12.5 and cuDNN 9.3 wheels from PyPI, 2 GB',
  },
  system: { wheels: [], bytesNeeded: 0, download: 'Taking the CUDA libraries of the system' },
  none: {
    wheels: ['nvidia-cuda-runtime-cu12'],
    bytesNeeded: 0,
    download: 'Downloading libcudart from PyPI, 1 MB (--cuda none: for a GPU take --cuda wheels)',
  },
};

/** Without a driver there is no GPU to use; libcudart is what libtensorflow wants to load where there is one. */
export function defaultCuda(hasDriver) {
  return hasDriver ? 'wheels' : 'none';
}

/** Whether a build with CUDA libraries from `built` will do where they are wanted from `wanted`. */
export function cudaServes(built, wanted) {
  return built === wanted || (built === 'wheels' && wanted === 'none');
}

/** What TensorFlow 2.21 opens by name before it uses a GPU, each with the folder of `deps/nvidia` that its wheel fills. */
export const cudaLibraries = {
  'libcudart.so.12': 'cuda_runtime',
  'libcublas.so.12': 'cublas',
  'libcublasLt.so.12': 'cublas',
  'libcufft.so.11': 'cufft',
  'libcusolver.so.11': 'cusolver',
  'libcusparse.so.12': 'cusparse',
  'libcudnn.so.9': 'cudnn',
};

/**
 * Links in `deps` that make every one of them found: [file, target]. libtensorflow_framework opens them, and its RUNPATH
 * names `$ORIGIN/../nvidia/<folder>/lib` of all but libcusolver, which is looked for in the other folders only.
 */
export const cudaLinks = [['nvidia/cuda_runtime/lib/libcusolver.so.11', '../../cusolver/lib/libcusolver.so.11']];

/** The libraries above that a listing of the system's (`ldconfig -p`) lacks. */
export function missingFromSystem(listing) {
  const found = new Set([...listing.matchAll(/^\s*(\S+\.so\S*) /gm)].map(([, name]) => name));
  return Object.keys(cudaLibraries).filter((name) => !found.has(name));
}

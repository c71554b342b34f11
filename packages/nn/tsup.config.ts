// @boundaries-ignore the build of all packages is configured in one place
import { packageConfig } from '../../tsup.base';

// tfjs-core's gradients are a file of their own, which bundlers leave out where nothing is differentiated.
export default packageConfig(['index', 'node', 'wasm', 'tfjs-gradients'], { gradients: true });

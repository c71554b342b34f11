// @boundaries-ignore the build of all packages is configured in one place
import { packageConfig } from '../../tsup.base';

// Splitting also in CommonJS: both entries must share one TensorFileError, or instanceof would fail across them.
export default { ...packageConfig(['index', 'node']), splitting: true };

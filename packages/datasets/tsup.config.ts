// @boundaries-ignore the build of all packages is configured in one place
import { packageConfig } from '../../tsup.base';

export default packageConfig(['index', 'node'], { importMetaUrl: true });

// @boundaries-ignore the build of all packages is configured in one place
import { packageConfig } from '../../tsup.base';

// vega loads in no `require`, and only a build without shared chunks keeps `import()` in CommonJS.
export default packageConfig(['index', 'node'], { splitting: false });

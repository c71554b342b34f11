import { packageConfig } from '../../tsup.base';

export default packageConfig(['index', 'node']);

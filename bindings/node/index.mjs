import addon from './index.cjs';

export const { Server, version } = addon;
export default addon;

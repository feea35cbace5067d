import chinwag from './index.cjs';

export const {
  Backoff,
  ChinwagError,
  Client,
  Connection,
  ConnectionClosed,
  Join,
  Message,
  Refused,
  Server,
  version,
} = chinwag;
export default chinwag;

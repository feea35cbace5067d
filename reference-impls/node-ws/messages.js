// What the server sends, encoded: one Buffer for each message, shared by everyone who receives it.

import { Buffer } from 'node:buffer';

const encode = (message) => Buffer.from(JSON.stringify(message));
const encodeNow = (message) => encode({ ...message, timestamp: Date.now() });

export const welcome = (user) => encode({ type: 'welcome', user });
export const userJoined = (room, user) => encodeNow({ type: 'user_joined', room, user });
export const userLeft = (room, user) => encodeNow({ type: 'user_left', room, user });
export const roomMessage = (room, user, content) =>
  encodeNow({ type: 'message', room, user, content });
export const directMessage = (user, content) => encodeNow({ type: 'direct', user, content });
export const heartbeat = () => encodeNow({ type: 'heartbeat' });
export const build = (name) => encode({ type: '__build', build: name });
export const error = (code, message) => encode({ type: 'error', code, message });

// What the server sends, encoded: one Buffer for each message, shared by everyone who receives it.

import { Buffer } from 'node:buffer';

function encode(message) {
  return Buffer.from(JSON.stringify(message));
}

export function welcome(user) {
  return encode({ type: 'welcome', user });
}

export function userJoined(room, user) {
  return encode({ type: 'user_joined', room, user, timestamp: Date.now() });
}

export function userLeft(room, user) {
  return encode({ type: 'user_left', room, user, timestamp: Date.now() });
}

export function roomMessage(room, user, content) {
  return encode({ type: 'message', room, user, content, timestamp: Date.now() });
}

export function directMessage(user, content) {
  return encode({ type: 'direct', user, content, timestamp: Date.now() });
}

export function heartbeat() {
  return encode({ type: 'heartbeat', timestamp: Date.now() });
}

export function error(code, message) {
  return encode({ type: 'error', code, message });
}

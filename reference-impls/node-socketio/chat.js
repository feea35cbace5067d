// Rooms, users and what each event does, by Socket.IO's own means: a room for each room, and one
// for each user, which all connections of that user are in.

const ROOMS_PER_CONNECTION_MAX = 64;
const ROOM = 'room:';
const USER = 'user:';
// What a socket is in from the start: the room of its own id, and its user's.
const OWN_ROOMS = 2;

const now = () => ({ timestamp: Date.now() });

function sendError(socket, code, message) {
  socket.emit('error', { code, message });
}

function join(io, socket, { room }) {
  const { user } = socket.data;
  const joined = { room, user, ...now() };
  if (socket.rooms.has(ROOM + room)) {
    socket.emit('user_joined', joined);
  } else if (socket.rooms.size - OWN_ROOMS >= ROOMS_PER_CONNECTION_MAX) {
    sendError(socket, 'too_many_rooms', 'leave a room first');
  } else {
    socket.join(ROOM + room);
    io.to(ROOM + room).emit('user_joined', joined);
  }
}

function leave(io, socket, { room }) {
  if (!socket.rooms.has(ROOM + room)) return sendError(socket, 'not_joined', 'join the room first');
  socket.leave(ROOM + room);
  io.to(ROOM + room).emit('user_left', { room, user: socket.data.user, ...now() });
}

function message(io, socket, { room, content }) {
  if (!socket.rooms.has(ROOM + room)) return sendError(socket, 'not_joined', 'join the room first');
  io.to(ROOM + room).emit('message', { room, user: socket.data.user, content, ...now() });
}

function direct(io, socket, { to, content }) {
  if (!io.sockets.adapter.rooms.has(USER + to)) {
    return sendError(socket, 'no_such_user', 'nobody is called so');
  }
  io.to(USER + to).emit('direct', { user: socket.data.user, content, ...now() });
}

function heartbeat(io, socket) {
  socket.emit('heartbeat', now());
}

function refuse(io, socket, { why }) {
  sendError(socket, 'bad_request', why);
}

/** By the event that asks for it, and what is done with others of no valid form. */
export const verbs = { join, leave, message, direct, heartbeat, refuse };

export function arrive(socket) {
  const { user } = socket.data;
  socket.join(USER + user);
  socket.emit('welcome', { user });
}

/** Called while the socket is still in its rooms. */
export function depart(socket) {
  const { user } = socket.data;
  for (const name of socket.rooms) {
    if (!name.startsWith(ROOM)) continue;
    socket.to(name).emit('user_left', { room: name.slice(ROOM.length), user, ...now() });
  }
}

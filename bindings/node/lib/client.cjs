'use strict';

const { EventEmitter } = require('node:events');
const { WebSocket } = require('ws');
const { Backoff } = require('./backoff.cjs');
const { ChinwagError, ConnectionClosed, Refused } = require('./errors.cjs');
const { refusedHandshake, unreachable, withUser } = require('./handshake.cjs');
const { describe, tell } = require('./listeners.cjs');
const { TIMER_MS_MAX, readClientOptions, readTimeout, setTimer } = require('./options.cjs');
const { readMessage } = require('./received.cjs');
const { checkName, checkWhole, encodeRequest } = require('./texts.cjs');

const HEARTBEAT = '{"type":"heartbeat"}';
const HEARTBEATS_UNANSWERED_MAX = 2;
// A connection that ends sooner does not count as a success: a server that turns clients away would
// be asked again at once, for ever.
const STABLE_MS = 10_000;
// So many connections that end before a join is answered are the join's fault.
const BREAKS_PER_JOIN_MAX = 3;
// Instead of a delay that is none.
const DELAY_MS = 30_000;
// A content of 64 KiB whose every byte is escaped takes 384 KiB.
const MESSAGE_BYTES_MAX = 1024 * 1024;

/** A connection to a chat/1 server that comes back by itself; see index.d.ts. */
class Client extends EventEmitter {
  #url;
  #user;
  #reconnect;
  #heartbeatMs;
  #connectTimeoutMs;
  #closeTimeoutMs;
  #queueMax;
  #messageBytesMax;
  #backoff;
  #warned = false; // of a back-off that fails
  #socket;
  #started = false;
  #closed = false;
  #closing; // the end of close()
  #openedAt = 0;
  #beat;
  #unanswered = 0; // heartbeats since the server was last heard
  #rooms = new Set();
  // Requests are answered in their order, so two heartbeats around a join tell which refusal is its
  // own. Of the heartbeats under way: the join that one stands before, or null.
  #joins = [];
  #beats = [];
  #asked = null; // the join whose answer is due
  #connecting;
  #queue = [];
  #readers = [];
  #iterating = 0; // loops over messages()
  #waiting = []; // for a connection
  #retry;
  reconnects = 0;

  constructor(url, options = {}) {
    super();
    const given = readClientOptions(options);
    const { user } = given;
    const named = user !== undefined && user !== null && user !== '';
    if (named) checkName('user', user);
    this.#url = withUser(url, named ? user : undefined);
    this.#user = named ? user : '';
    this.#reconnect = given.reconnect ?? true;
    this.#heartbeatMs = given.heartbeatMs ?? 20_000;
    this.#connectTimeoutMs = given.connectTimeoutMs ?? 10_000;
    this.#closeTimeoutMs = given.closeTimeoutMs ?? 5000;
    this.#queueMax = given.queueMax ?? 1024;
    this.#messageBytesMax = given.messageBytesMax ?? MESSAGE_BYTES_MAX;
    this.#backoff = given.backoff ?? new Backoff();
  }

  get user() {
    return this.#user;
  }

  async connect() {
    if (this.#started) {
      throw new ChinwagError('a client connects once: make a new one', 'already_running');
    }
    if (this.#closed) throw new ConnectionClosed('the client was closed: make a new one');
    this.#started = true;
    try {
      await this.#open();
    } catch (error) {
      this.#started = false; // it may be tried again
      throw error;
    }
    return this;
  }

  async close() {
    if (!this.#closed) {
      this.#closed = true;
      clearTimeout(this.#retry);
      this.#connecting?.terminate();
      this.#closing = this.#leaveServer();
    }
    await this.#closing;
  }

  async join(room, options = {}) {
    checkName('room', room);
    const timeoutMs = readTimeout(options, 10_000);
    this.#checkStarted();
    const answer = this.#expectJoin(room, timeoutMs);
    this.#socket?.resume(); // the answer may be behind messages that nobody reads
    try {
      // The answer may be late while the request still waits for a connection.
      this.#whenOpen().then((open) => open && this.#sendJoin(answer), answer.reject);
      await answer.promise;
    } finally {
      clearTimeout(answer.timer);
      this.#joins = this.#joins.filter((one) => one !== answer);
    }
    this.#rooms.add(room);
  }

  async leave(room) {
    checkName('room', room);
    this.#checkStarted();
    this.#rooms.delete(room);
    await this.#request({ type: 'leave', room });
  }

  async send(room, content) {
    checkName('room', room);
    checkWhole('content', content);
    await this.#request({ type: 'message', room, content });
  }

  async direct(to, content) {
    checkName('to', to);
    checkWhole('content', content);
    await this.#request({ type: 'direct', to, content });
  }

  async *messages() {
    ++this.#iterating;
    try {
      for (let message; (message = await this.receive()) !== null; ) yield message;
    } finally {
      --this.#iterating;
    }
  }

  async receive(options = {}) {
    const timeoutMs = readTimeout(options, Infinity);
    this.#checkStarted();
    if (this.#queue.length > 0) {
      const message = this.#queue.shift();
      if (this.#queue.length < this.#queueMax) this.#socket?.resume();
      return message;
    }
    if (this.#closed) return null;
    return new Promise((resolve, reject) => {
      const timer = setTimer(() => {
        this.#readers.splice(this.#readers.indexOf(take), 1);
        reject(new ChinwagError(`no message in ${timeoutMs} ms`, 'timeout'));
      }, timeoutMs);
      const take = (message) => {
        clearTimeout(timer);
        resolve(message);
      };
      this.#readers.push(take);
    });
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.close();
  }

  async #leaveServer() {
    const socket = this.#socket;
    if (socket && socket.readyState !== WebSocket.CLOSED) {
      const gone = new Promise((resolve) => socket.once('close', resolve));
      const late = setTimeout(() => socket.terminate(), this.#closeTimeoutMs);
      socket.resume();
      socket.close(1000);
      await gone;
      clearTimeout(late);
    }
    this.#end();
  }

  #checkStarted() {
    if (!this.#started && !this.#closed) throw new ConnectionClosed('connect first');
  }

  #expectJoin(room, timeoutMs) {
    const answer = { room, breaks: 0 };
    answer.promise = new Promise((resolve, reject) => {
      answer.resolve = () => {
        answer.settled = true;
        resolve();
      };
      answer.reject = (error) => {
        answer.settled = true;
        reject(error);
      };
    });
    answer.timer = setTimer(() => {
      answer.reject(new ChinwagError(`no answer to join '${room}' in ${timeoutMs} ms`, 'timeout'));
    }, timeoutMs);
    this.#joins.push(answer);
    return answer;
  }

  async #request(request) {
    const text = encodeRequest(request);
    this.#checkStarted();
    for (;;) {
      await this.#whenOpen();
      const failed = await new Promise((resolve) => this.#socket.send(text, resolve));
      if (!failed) return;
    }
  }

  /** True at once, false after waiting for a connection. */
  async #whenOpen() {
    for (let waited = false; !this.#closed; waited = true) {
      if (this.#socket?.readyState === WebSocket.OPEN) return !waited;
      if (!this.#reconnect) break;
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
    throw new ConnectionClosed();
  }

  // A new connection asks again what was not answered.
  #sendJoin(answer) {
    if (!this.#joins.includes(answer)) return; // nobody waits for it any more
    answer.sent = true;
    this.#beats.push(answer, null);
    this.#socket.send(HEARTBEAT, () => {});
    this.#socket.send(JSON.stringify({ type: 'join', room: answer.room }), () => {});
    this.#socket.send(HEARTBEAT, () => {});
  }

  // Resolves once it is open; from then on the socket's end leads to another try.
  #open() {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.#url, {
        perMessageDeflate: false,
        maxPayload: this.#messageBytesMax,
        closeTimeout: this.#closeTimeoutMs,
      });
      this.#connecting = socket;
      let open = false;
      // From the name's look-up to the last byte of the answer, however slowly it comes.
      const late = setTimeout(() => {
        reject(unreachable(this.#url, `not open after ${this.#connectTimeoutMs} ms`));
        socket.terminate();
      }, this.#connectTimeoutMs);
      socket.on('open', () => {
        clearTimeout(late);
        this.#connecting = undefined;
        if (this.#closed) {
          socket.terminate();
          reject(new ConnectionClosed());
          return;
        }
        open = true;
        this.#adopt(socket);
        resolve();
      });
      socket.on('unexpected-response', (_request, response) => {
        reject(refusedHandshake(this.#url, response));
        socket.terminate();
      });
      // An error is followed by 'close', which is where a break is mended.
      socket.on('error', (error) => {
        if (this.#closed) reject(new ConnectionClosed());
        else reject(unreachable(this.#url, error.message));
      });
      socket.on('close', () => {
        clearTimeout(late);
        if (open) this.#broken();
      });
    });
  }

  #adopt(socket) {
    this.#socket = socket;
    this.#unanswered = 0;
    this.#openedAt = performance.now();
    this.#beat = setInterval(() => this.#sendHeartbeat(socket), this.#heartbeatMs);
    this.#beat.unref();
    socket.on('message', (data, binary) => {
      this.#unanswered = 0;
      if (!binary) this.#read(socket, data);
    });
    this.#beats = [];
    this.#asked = null;
    for (const room of this.#rooms) socket.send(JSON.stringify({ type: 'join', room }));
    for (const answer of this.#joins) this.#sendJoin(answer);
    for (const go of this.#waiting.splice(0)) go();
  }

  #sendHeartbeat(socket) {
    if (this.#unanswered >= HEARTBEATS_UNANSWERED_MAX) {
      // What came while this process was busy is read first.
      setImmediate(() => this.#unanswered >= HEARTBEATS_UNANSWERED_MAX && socket.terminate());
      return;
    }
    this.#beats.push(null);
    socket.send(HEARTBEAT, () => {});
    this.#unanswered = socket.isPaused ? 0 : this.#unanswered + 1; // who does not read can't hear
  }

  #broken() {
    clearInterval(this.#beat);
    if (this.#closed) return;
    if (!this.#reconnect) {
      this.#closed = true;
      this.#end();
      return;
    }
    this.#blameJoin();
    tell(this, 'disconnect');
    this.#comeBack(performance.now() - this.#openedAt >= STABLE_MS);
  }

  // Answers come in the order of the requests: the first join without one may be what a server ends
  // its connection for.
  #blameJoin() {
    const answer = this.#joins.find((one) => one.sent && !one.settled);
    if (!answer || ++answer.breaks < BREAKS_PER_JOIN_MAX) return;
    const what = `${answer.breaks} connections ended before join '${answer.room}' was answered`;
    answer.reject(new ConnectionClosed(what));
  }

  #comeBack(afterSuccess = false) {
    if (this.#closed) return;
    this.#retry = setTimeout(async () => {
      try {
        await this.#open();
      } catch {
        this.#comeBack();
        return;
      }
      ++this.reconnects;
      tell(this, 'reconnect');
    }, this.#delayMs(afterSuccess));
  }

  // A back-off of the program's own may fail, or give what is no delay: no storm may come of it.
  #delayMs(afterSuccess) {
    try {
      if (afterSuccess) this.#backoff.reset();
      const delayMs = this.#backoff.nextMs();
      if (typeof delayMs === 'number' && delayMs >= 0) return Math.min(delayMs, TIMER_MS_MAX);
      const given = describe(delayMs);
      throw new TypeError(`backoff.nextMs() gave ${given}: give milliseconds from 0 on`);
    } catch (error) {
      const what = `the back-off failed, the client waits ${DELAY_MS} ms each time`;
      if (!this.#warned) process.emitWarning(`${what}: ${describe(error)}`, 'ChinwagWarning');
      this.#warned = true;
      return DELAY_MS;
    }
  }

  #read(socket, data) {
    let message;
    try {
      message = readMessage(data.toString());
    } catch {
      socket.terminate(); // no chat/1 server
      return;
    }
    this.#take(message);
  }

  #take(message) {
    if (message.type === 'heartbeat') {
      this.#asked = this.#beats.shift() ?? null;
      return;
    }
    if (message.type === 'welcome') {
      this.#user = message.user;
    } else if (message.type === 'user_joined' && message.user === this.#user) {
      for (const one of this.#joins) if (one.room === message.room) one.resolve();
    } else if (message.type === 'error' && this.#asked && this.#joins.includes(this.#asked)) {
      this.#asked.reject(new Refused(message.content, message.code));
      return;
    }
    tell(this, 'message', message);
    const reader = this.#readers.shift();
    if (reader) {
      reader(message);
    } else if (this.#iterating > 0 || this.listenerCount('message') === 0) {
      this.#queue.push(message);
      // An answer that is due may be behind more messages.
      if (this.#queue.length >= this.#queueMax && this.#joins.length === 0) this.#socket.pause();
    }
  }

  #end() {
    for (const go of this.#waiting.splice(0)) go();
    for (const answer of this.#joins) answer.reject(new ConnectionClosed());
    for (const reader of this.#readers.splice(0)) reader(null);
    tell(this, 'end');
  }
}

module.exports = { Client };

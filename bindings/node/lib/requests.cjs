'use strict';
// What handlers are given: a connection, and what a client asked for.

const { ChinwagError, translate } = require('./errors.cjs');
const { checkCloseCode, checkContent, checkName, typeOf } = require('./texts.cjs');

// How the compiled part spells verdicts (chinwag::verdict::kind).
const ACCEPT = 0;
const CHANGE = 1;
const REFUSE = 2;
const ANSWER = 3;

const PROGRAM_NAME = 'server';

const REFUSAL_CODES = [
  'bad_request',
  'not_joined',
  'no_such_user',
  'too_many_rooms',
  'rate_limited',
  'forbidden',
  'unavailable',
];

/** Throws for what is no code of an error answer. */
function checkRefusal(code) {
  if (typeof code !== 'string') throw new TypeError(`code is a string, not ${typeOf(code)}`);
  if (REFUSAL_CODES.includes(code)) return;
  throw new ChinwagError(
    `no refusal is called ${JSON.stringify(code)}: give one of ${REFUSAL_CODES.join(', ')}`,
    'bad_refusal',
  );
}

/** Calls about one connection; false if it, or the whole server, is gone. */
function reach(call) {
  try {
    translate(call);
  } catch (error) {
    if (error.code === 'connection_closed' || error.code === 'not_running') return false;
    throw error;
  }
  return true;
}

/** One connection of a user. `id` names it for good: no later one has the same. */
class Connection {
  #hosted;
  #place;
  #generation;

  constructor(hosted, place, generation, user) {
    this.#hosted = hosted;
    this.#place = place;
    this.#generation = generation;
    this.user = user;
  }

  get id() {
    return `${this.#generation}.${this.#place}`;
  }

  send(content, user = PROGRAM_NAME) {
    checkContent('content', content);
    checkName('user', user);
    return reach(() => this.#hosted.send(this.#place, this.#generation, content, user));
  }

  close(code = 1000) {
    checkCloseCode(code);
    return reach(() => this.#hosted.close(this.#place, this.#generation, code));
  }

  equals(other) {
    return other instanceof Connection && this.#hosted === other.#hosted && this.id === other.id;
  }
}

/** A client wants to become a member of a room. Served unless a handler refuses it. */
class Join {
  #decided = false;
  #verdict = ACCEPT;
  #text = '';
  #code = '';

  constructor(connection, room) {
    this.connection = connection;
    this.user = connection.user;
    this.room = room;
  }

  refuse(text = 'not allowed', code = 'forbidden') {
    checkContent('text', text);
    checkRefusal(code);
    this.#decide(REFUSE, text, code);
    this.#decided = true;
  }

  answer(content) {
    checkContent('content', content);
    this.#decide(ANSWER, content, '');
    this.#decided = true;
  }

  /** For the classes here alone. */
  _change(content) {
    checkContent('content', content);
    this.#decide(CHANGE, content, '');
  }

  /** For the server alone: whether no other listener is asked. */
  get _decided() {
    return this.#decided;
  }

  /** For the server alone: appends the verdict, which is final now. */
  _addTo(decisions) {
    this.#decided = true;
    decisions.push(this.#verdict, this.#text, this.#code);
  }

  #decide(verdict, text, code) {
    if (this.#decided) {
      const what = `what ${this.user} asked for in '${this.room}'`;
      throw new ChinwagError(`${what} is decided: nothing can change it`, 'already_decided');
    }
    this.#verdict = verdict;
    this.#text = text;
    this.#code = code;
  }
}

/** A member wants to publish in a room. Published unless a handler refuses or answers it. */
class Message extends Join {
  #content;

  constructor(connection, room, content) {
    super(connection, room);
    this.#content = content;
  }

  get content() {
    return this.#content;
  }

  set content(changed) {
    this._change(changed);
    this.#content = changed;
  }
}

module.exports = { Connection, Join, Message, PROGRAM_NAME, REFUSE };

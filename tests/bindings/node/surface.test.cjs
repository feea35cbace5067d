'use strict';
// JavaScript has what bindings/surface.json describes, and index.d.ts declares it.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const chinwag = require('chinwag');
const native = require('../../../bindings/node/lib/native.cjs');
const surface = require('../../../bindings/surface.json');

const declared = fs.readFileSync(path.join(__dirname, '../../../bindings/node/index.d.ts'), 'utf8');

const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** The text of one class or interface in the declarations. */
function declaration(name) {
  const found = declared.match(new RegExp(`(?:class|interface) ${name}\\b[^]*?\\n}`));
  assert.ok(found, `${name} is not declared`);
  return found[0];
}

for (const [name, { methods, properties }] of Object.entries(surface.classes)) {
  test(`${name} has and declares what is described`, () => {
    const text = declaration(name);
    for (const method of Object.keys(methods)) {
      assert.equal(typeof chinwag[name].prototype[camel(method)], 'function', method);
      if (name !== 'Message') assert.match(text, new RegExp(`\\b${camel(method)}[(<]`), method);
    }
    if (name === 'Message' || name === 'Refused' || name === 'ConnectionClosed') return;
    for (const property of properties) {
      assert.match(text, new RegExp(`\\b${property}\\b`), property);
    }
  });
}

test('options, errors and counters are those that are described', async () => {
  const options = native.listOptions().filter((_, at) => at % 3 === 0);
  assert.deepEqual(options, surface.options);
  assert.deepEqual(native.listErrors(), surface.errors);
  const server = await new chinwag.Server().start();
  assert.deepEqual(Object.keys(server.stats()), surface.counters);
  await server.drain();
  for (const option of surface.options) {
    assert.match(declaration('ServerOptions'), new RegExp(`\\b${option}\\?:`));
  }
  for (const counter of surface.counters) {
    assert.match(declaration('ServerStats'), new RegExp(`\\b${counter}:`));
  }
});

test('events are those that are described', () => {
  for (const event of surface.classes.Server.events) {
    assert.match(declaration('ServerEvents'), new RegExp(`\\b${event}:`));
  }
});

'use strict';
// The compiled part: the one that CHINWAG_ADDON names, that was built here, or that came with the
// package.

const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '../../..');
const places = [
  path.join(root, 'build/release/bindings/node/chinwag.node'),
  path.join(root, 'prebuilds', `${process.platform}-${process.arch}`, 'chinwag.node'),
];

function load() {
  if (process.platform !== 'linux') {
    throw new Error('chinwag runs on Linux only: its server is built on epoll');
  }
  const found = process.env.CHINWAG_ADDON ?? places.find((place) => fs.existsSync(place));
  if (found) return require(found);
  throw new Error(
    `chinwag has no compiled part for ${process.platform}-${process.arch}: ` +
      `run "npm rebuild chinwag" with cmake, a C++20 compiler, Boost 1.81 and OpenSSL installed`,
  );
}

module.exports = load();

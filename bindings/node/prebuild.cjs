'use strict';
// Before `npm pack`: the addon that was built here goes into the package, where node-gyp-build's
// layout has it.

const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '../..');
const built = path.join(root, 'build/release/bindings/node/chinwag.node');
const folder = path.join(root, 'prebuilds', `${process.platform}-${process.arch}`);

if (!fs.existsSync(built)) {
  console.error(`${built} is missing: run "make packages" instead`);
  process.exit(1);
}
fs.mkdirSync(folder, { recursive: true });
fs.copyFileSync(built, path.join(folder, 'chinwag.node'));

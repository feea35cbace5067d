'use strict';
// After `npm install`: the compiled part that came with the package is tried; where it does not
// fit, it is compiled from the sources that came with it.

const { spawnSync } = require('node:child_process');
const path = require('node:path');

const root = path.resolve(__dirname, '../..');

// In a checkout `make everything` builds it.
const isDependency = __dirname.split(path.sep).includes('node_modules');

function works() {
  // In a process of its own: one that does not fit may end it.
  const program = `require(${JSON.stringify(path.join(__dirname, 'lib/native.cjs'))})`;
  return spawnSync(process.execPath, ['-e', program]).status === 0;
}

function run(...command) {
  const { status } = spawnSync('cmake', command, { cwd: root, stdio: 'inherit' });
  if (status === 0) return;
  console.error(
    'chinwag could not be compiled: install cmake, a C++20 compiler, Boost 1.81, ' +
      'nlohmann-json and the OpenSSL headers, then run "npm rebuild chinwag"',
  );
  process.exit(1);
}

if (isDependency && !works()) {
  const off = ['APP', 'TESTS', 'BENCH', 'PYTHON'].map((part) => `-DCHINWAG_${part}=OFF`);
  const make = ['-G', 'Unix Makefiles', '-DCMAKE_BUILD_TYPE=Release'];
  run('-S', '.', '-B', 'build/release', ...make, '-DCHINWAG_NODE=ON', ...off);
  run('--build', 'build/release', '--target', 'chinwag_node', '--parallel');
}

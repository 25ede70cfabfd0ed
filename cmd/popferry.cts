#!/usr/bin/env node
// CommonJS: an ES module's imports have started the thread pool before its first line runs (measured).
// Sync and write calls of one batch wait for the disk side by side.
process.env['UV_THREADPOOL_SIZE'] ??= '32'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 11)) {
  process.stderr.write(`popferry needs Node.js 20.11 or newer; this is ${process.version}\n`)
  process.exitCode = 2
} else {
  void import('./main.js').then(async ({ main }) => main())
}

// The layers of ARCHITECTURE.md as rules: each folder names what it may import from this tree.
const layers = {
  '^src/registry[.]ts$': ['sources', 'targets', 'ledgers', 'reporters', 'ports'],
  '^src/app/': ['app', 'pipeline', 'plan', 'ports'],
  '^src/pipeline/': ['pipeline', 'ports'],
  '^src/plan/': ['plan', 'ports'],
  // An adapter of several files (`mbox.ts`, `mbox-writer.ts`) imports its own, never another adapter.
  '^src/sources/([^-.]+)': ['sources/$1[-.].*', 'ports', 'providers', 'pop3', 'imap', 'sasl', 'mail', 'files', 'net'],
  '^src/targets/([^-.]+)': [
    'targets/$1[-.].*',
    'ports',
    'providers',
    'pop3',
    'imap',
    'sasl',
    'mail',
    'html',
    'files',
    'net',
  ],
  '^src/ledgers/': ['ledgers', 'ports', 'files', 'net'],
  '^src/reporters/': ['reporters', 'html', 'ports'],
  '^src/pop3/': ['pop3', 'sasl', 'net', 'ports/fault', 'ports/secret', 'ports/sign-in-facts'],
  '^src/imap/': ['imap', 'sasl', 'net', 'ports/fault', 'ports/warning', 'ports/secret', 'ports/sign-in-facts'],
  '^src/sasl/': ['sasl', 'ports/fault', 'ports/secret'],
  '^src/net/': ['net', 'ports/fault', 'ports/warning', 'ports/sign-in-facts'],
  '^src/mail/': ['mail', 'ports/fault'],
  '^src/files/': ['files', 'ports/fault', 'ports/clock', 'ports/spool', 'ports/quarantine'],
  '^src/providers/': ['providers'],
  '^src/html/': ['html'],
  '^src/schedule/': ['schedule'],
  '^src/manual/': ['manual'],
  '^src/sample/': ['sample', 'net', 'mail'],
  '^src/ports/': ['ports'],
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'cmd-is-the-top', severity: 'error', from: { path: '^src/' }, to: { path: '^cmd/' } },
    { name: 'no-tests-in-the-program', severity: 'error', from: { path: '^(src|cmd)/' }, to: { path: '^test/' } },
    ...Object.entries(layers).map(([path, allowed]) => ({
      name: `layer ${path}`,
      severity: 'error',
      from: { path },
      to: { path: '^(src|cmd)/', pathNot: allowed.map((folder) => `^src/${folder}(/|[.]ts$|$)`) },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
  },
}

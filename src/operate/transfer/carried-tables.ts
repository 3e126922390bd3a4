/** What of a tenant goes into a file, in the order in which the database takes it: what is referred to comes first. */
export const CARRIED = [
  'tenants',
  'domains',
  'links',
  'link_stats',
  'tags',
  'link_usage',
  'members',
  'api_keys',
  'identity_providers',
  'removed_identities',
  'scim_users',
  'scim_groups',
  'scim_group_members',
  'scim_settings',
  'destination_policies',
  'takedowns',
  'audit_events',
  'audit_chain',
  'audit_checkpoints',
  'audit_pending',
  'clicks',
  'erased_clicks',
  'click_erasures',
  'click_rollups',
  'tenant_rollups',
  'breakdown_rollups',
  'click_days',
  'click_spans',
  'link_spans',
  'visit_spans',
] as const;

export type CarriedTable = (typeof CARRIED)[number];

/** And what does not. A table of tenants that stands in neither fails a test. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  idempotency_records: 'answers that are replayed for a day, sealed under this deployment’s SECRET_KEY',
  outbox: 'news on their way to this deployment’s own processes',
  visitor_days: 'who was seen in the last two days, by hashes under this deployment’s salts',
  dead_clicks: 'clicks that could not be stored, sealed under this deployment’s SECRET_KEY: redrive them first',
};

/** The trail and its chain: left out when its keys are not to leave the deployment. */
export const AUDIT: readonly CarriedTable[] = ['audit_events', 'audit_chain', 'audit_checkpoints', 'audit_pending'];

/** Numbers of the source's transactions say nothing elsewhere: what is imported is of the past. */
export const NOT_CARRIED_COLUMNS: Readonly<Partial<Record<CarriedTable, Readonly<Record<string, string>>>>> = {
  clicks: { ingested: '0' },
};

export const isCarried = (table: string): table is CarriedTable => (CARRIED as readonly string[]).includes(table);

import { TypeID } from 'typeid-js';
import { asRole } from './database.js';
import { type LinkBody, newTenant, type Tenant } from './waypost.js';

const uuid = (id: string): string => TypeID.fromString(id).toUUID();

/** Clicks that happened in the past, as ingest would have counted them: one in the quarter-hour of each of these times. */
async function clicked({ tenantId }: Tenant, { id }: LinkBody, times: string[]): Promise<void> {
  await asRole('postgres', (client) =>
    client.query(
      `INSERT INTO click_rollups (tenant_id, bucket, link_id, clicks)
       SELECT $1, date_bin('15 minutes', time, 'epoch'), $2, count(*) FROM unnest($3::timestamptz[]) AS time GROUP BY 2`,
      [uuid(tenantId), uuid(id), times],
    ),
  );
}

/** A tenant whose only link was clicked at these times. */
export async function clickedAt(times: string[]): Promise<Tenant> {
  const tenant = await newTenant();
  await clicked(tenant, await tenant.link(), times);
  return tenant;
}

import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { askOnce } from '../platform/database/ask-once.js';
import { NIL_UUID } from '../platform/ids.js';
import type { DestinationPolicy } from './destination-policy.js';

/** What the database knows of some destinations. */
interface Facts {
  /** Those of the hosts asked about that short links live on, of whichever tenant. */
  shortDomains: string[];
  /** Of the tenant's policy and of the platform's, where there are any. */
  policies: Array<{ tenantId: string; version: string }>;
}

const FACTS = `SELECT short_domains AS "shortDomains", policies FROM destination_facts($1, $2, $3)`;

@Injectable()
export class DestinationsRepository {
  async facts(tx: Tx, hosts: string[]): Promise<Facts> {
    const ask = async () => (await tx.manager.query(FACTS, [tx.tenantId, NIL_UUID, hosts])) as [Facts];
    const [facts] = await askOnce(tx, `destinations ${JSON.stringify(hosts)}`, ask);
    return facts;
  }

  /** @param tenantId the transaction's own, or the nil id: nobody sees another's */
  async policy(tx: Tx, tenantId: string): Promise<DestinationPolicy | undefined> {
    const [row] = (await tx.manager.query('SELECT policy FROM destination_policies WHERE tenant_id = $1', [
      tenantId,
    ])) as Array<{ policy: DestinationPolicy }>;
    return row?.policy;
  }

  async put(tx: Tx, policy: DestinationPolicy, version: string): Promise<void> {
    await tx.manager.query(
      `INSERT INTO destination_policies (tenant_id, version, policy) VALUES ($1, $2, $3)
       ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version, policy = excluded.policy`,
      [tx.tenantId, version, JSON.stringify(policy)],
    );
  }
}

import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';

@Injectable()
export class CertificatesRepository {
  /** Whether visitors are served on this hostname, whoever's it is. In a transaction of the platform's alone. */
  async isServed(tx: Tx, hostname: string): Promise<boolean> {
    const [row] = (await tx.manager.query('SELECT is_served_domain($1) AS served', [hostname])) as [
      { served: boolean },
    ];
    return row.served;
  }
}

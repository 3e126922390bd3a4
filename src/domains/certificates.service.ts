import { Injectable } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { parseHostname } from '../platform/http/hostname.js';
import { CertificatesRepository } from './certificates.repository.js';
import { domainNotFound } from './domain.errors.js';

@Injectable()
export class CertificatesService {
  constructor(
    private readonly transactions: Transactions,
    private readonly certificates: CertificatesRepository,
  ) {}

  /** @throws DomainError 404 where no visitor would be served, for whatever reason */
  async mayHaveOne(ctx: Context, name: string): Promise<void> {
    const hostname = parseHostname(name);
    if (hostname === undefined) throw domainNotFound();
    const served = await this.transactions.run(ctx, (tx) => this.certificates.isServed(tx, hostname));
    if (!served) throw domainNotFound();
  }
}

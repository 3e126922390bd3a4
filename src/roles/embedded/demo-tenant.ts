import type { INestApplicationContext } from '@nestjs/common';
import { createDomain } from '../../domains/domain.schemas.js';
import { DomainsService } from '../../domains/domains.service.js';
import { Authenticator } from '../../identity/authenticator.js';
import type { Config } from '../../platform/config/config.js';
import type { Context } from '../../platform/context/context.js';
import { continueTrace } from '../../platform/context/trace.js';
import { DomainError } from '../../platform/http/domain-error.js';
import { toPublicId } from '../../platform/ids.js';
import { createTenant } from '../../tenants/tenant.schemas.js';
import { TenantsService } from '../../tenants/tenants.service.js';
import { type Credentials, readCredentials, writeCredentials } from './deployment-secrets.js';

const DEMO = createTenant.parse({ name: 'Demo', slug: 'demo' });
/** Also where the plan has no room for another, there is one. */
const THERE = new Set(['hostname_taken', 'quota_exceeded']);

const request = () => ({
  requestId: 'start',
  traceparent: continueTrace(undefined).traceparent,
  clientAddress: '127.0.0.1',
});

/**
 * Sees to it that there is a tenant to try things with: tenant, domain and a key that works. Every step finds what an
 * earlier start left, also one that was killed half way.
 */
export async function keepDemoTenant(app: INestApplicationContext, config: Config): Promise<Credentials> {
  const { ports, dataDir, platformKey } = config;
  const kept = await readCredentials(dataDir);
  const authenticator = app.get(Authenticator, { strict: false });
  const operator = await authenticator.authenticate(`Bearer ${platformKey}`, request());
  const apiKey =
    (await works(authenticator, kept.apiKey)) ??
    (await app.get(TenantsService, { strict: false }).keyFor(operator, DEMO));
  const owner = await authenticator.authenticate(`Bearer ${apiKey}`, request());
  const domain = `localhost:${ports.redirect}`;
  await keepDomain(app.get(DomainsService, { strict: false }), owner, domain);
  const credentials: Credentials = {
    apiUrl: `http://localhost:${ports.api}`,
    redirectUrl: `http://localhost:${ports.redirect}`,
    opsUrl: `http://localhost:${ports.ops}`,
    tenantId: toPublicId('tnt', owner.tenantId),
    apiKey,
    platformKey,
    domain,
  };
  await writeCredentials(dataDir, credentials);
  return credentials;
}

async function works(authenticator: Authenticator, apiKey: string | undefined): Promise<string | undefined> {
  if (apiKey === undefined) return undefined;
  try {
    await authenticator.authenticate(`Bearer ${apiKey}`, request());
    return apiKey;
  } catch (error) {
    if (error instanceof DomainError) return undefined;
    throw error;
  }
}

/** The domain follows the port; links on an earlier port's domain stay where they are. */
async function keepDomain(domains: DomainsService, owner: Context, hostname: string): Promise<void> {
  try {
    await domains.create(owner, createDomain.parse({ hostname, primary: true }));
  } catch (error) {
    if (!(error instanceof DomainError) || !THERE.has(error.code)) throw error;
  }
}

import type { Credentials } from './deployment-secrets.js';

/** What somebody who has just started Waypost for the first time needs to see. */
export const firstSteps = ({ apiUrl, redirectUrl, opsUrl, apiKey }: Credentials, dataDir: string): string => `
Waypost is running.

  API         ${apiUrl}/v1          (documentation: ${apiUrl}/docs)
  Short links ${redirectUrl}
  Operations  ${opsUrl}/readyz      (also /livez and /metrics)
  Credentials ${dataDir}/credentials.json

Shorten a first link:

  curl -s ${apiUrl}/v1/shorten -H 'Authorization: Bearer ${apiKey}' -H 'Content-Type: application/json' -d '{"url":"https://example.com/"}'

Follow the shortLink it answers with in a browser or with curl, then see the click:

  curl -s '${apiUrl}/v1/analytics?groupBy=count' -H 'Authorization: Bearer ${apiKey}'

Stop with Ctrl-C.
`;

import { describe, expect, it } from '@jest/globals';
import { agentOf } from './user-agent.js';

const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0';
const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1';
const TABLET =
  'Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1';
const CRAWLER = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

describe('agentOf', () => {
  it.each([
    [`${WINDOWS} Safari/537.36`, { device: 'desktop', browser: 'Chrome', os: 'Windows', bot: false }],
    [PHONE, { device: 'mobile', browser: 'Safari', os: 'iOS', bot: false }],
    [TABLET, { device: 'tablet', browser: 'Safari', os: 'iOS', bot: false }],
  ])('understands %s', (userAgent, agent) => {
    expect(agentOf(userAgent)).toEqual(agent);
    expect(agentOf(userAgent)).toEqual(agent); // The second comes from memory.
  });

  it.each([CRAWLER, 'Slackbot-LinkExpanding 1.0', 'facebookexternalhit/1.1'])('takes %s for a bot', (userAgent) =>
    expect(agentOf(userAgent).bot).toBe(true),
  );

  it.each(['curl/8.5.0', 'python-requests/2.31', 'node', 'undici', 'Go-http-client/1.1', 'Mozilla/5.0'])(
    'takes %s for no bot: somebody sent it',
    (userAgent) => expect(agentOf(userAgent).bot).toBe(false),
  );

  it.each([undefined, '', '€'])('knows nothing of %j', (userAgent) =>
    expect(agentOf(userAgent)).toMatchObject({ device: undefined, os: undefined, bot: false }),
  );
});

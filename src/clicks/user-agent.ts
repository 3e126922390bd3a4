import Bowser from 'bowser';
import { isbot } from 'isbot';
import { LRUCache } from 'lru-cache';

/** What a user agent says of itself; undefined where it says nothing that is understood. */
export interface Agent {
  /** `desktop`, `mobile`, `tablet`, `tv`, …: bowser's platform types. */
  device: string | undefined;
  browser: string | undefined;
  os: string | undefined;
  /** It says that it is a crawler, a preview or a monitor. */
  bot: boolean;
}

/**
 * Programs that somebody has follow a link, and a name without a version. isbot takes them for bots too; they crawl
 * nothing by themselves, and who tries a link out with them expects to be counted.
 */
const SENT_BY_SOMEBODY =
  /^(?:(?:curl|wget|httpie|xh|node|node-fetch|undici|axios|got|deno|bun|python-requests|python-httpx|python-urllib|aiohttp|go-http-client|okhttp|java|java-http-client|apache-httpclient|reqwest|ureq|hyper|postmanruntime|insomnia|guzzlehttp|ruby|faraday|dart|libwww-perl|powershell|k6|autocannon|wrk|hey|apachebench)\b|mozilla\/5\.0$)/i;

const SILENT: Agent = { device: undefined, browser: undefined, os: undefined, bot: false };

// Most visitors share few strings, and reading one takes longer than all else that is done with a click.
const known = new LRUCache<string, Agent>({ max: 5_000 });

export function agentOf(userAgent: string | undefined): Agent {
  if (!userAgent) return SILENT;
  const read = known.get(userAgent) ?? parse(userAgent);
  known.set(userAgent, read);
  return read;
}

function parse(userAgent: string): Agent {
  const parser = Bowser.getParser(userAgent);
  return {
    device: parser.getPlatformType() || undefined,
    browser: parser.getBrowserName() || undefined,
    os: parser.getOSName() || undefined,
    bot: !SENT_BY_SOMEBODY.test(userAgent) && isbot(userAgent),
  };
}

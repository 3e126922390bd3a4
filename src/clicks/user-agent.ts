import Bowser from 'bowser';
import { isbot } from 'isbot';
import { LRUCache } from 'lru-cache';

/** What a user agent says of itself; undefined where it says nothing that is understood. */
export interface Agent {
  /** `desktop`, `mobile`, `tablet`, `tv`, …: bowser's platform types. */
  device: string | undefined;
  browser: string | undefined;
  os: string | undefined;
  bot: boolean;
}

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
    bot: isbot(userAgent),
  };
}

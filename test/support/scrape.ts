import { request } from './waypost.js';

/** What stands before a sample's value: its name and its labels. */
export async function seriesOf(opsUrl: string): Promise<string[]> {
  return linesOf(await scrape(opsUrl)).map((line) => line.slice(0, line.lastIndexOf(' ')));
}

/** @param accept as a scraper says what it takes */
export async function scrape(opsUrl: string, accept = 'text/plain'): Promise<string> {
  const { status, text } = await request<string>('GET', `${opsUrl}/metrics`, { headers: { accept } });
  if (status !== 200) throw new Error(`No metrics: ${status}`);
  return text;
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

import { request } from './waypost.js';

/** The sum of a process's samples of this metric that have these labels. @param opsUrl where its ops port is */
export async function metric(opsUrl: string, name: string, labels: Record<string, string> = {}): Promise<number> {
  const { body } = await request<string>('GET', `${opsUrl}/metrics`);
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return body
    .split('\n')
    .filter((line) => line.startsWith(name) && /[ {]/.test(line.charAt(name.length)))
    .filter((line) => wanted.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

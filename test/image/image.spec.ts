import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { environmentNames, readSettings } from '../../src/platform/config/config.js';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

describe('docker/Dockerfile', () => {
  const text = read('docker/Dockerfile');
  const lines = text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line));
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
  const told = (instruction: string): string[] =>
    last.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1));

  it('is built on the Node.js that the tests run on, by its whole version', () => {
    const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: { node: string } };
    const bases = [...text.matchAll(/\bnode:([\w.-]+)/g)].map(([, tag]) => tag);
    expect(new Set(bases)).toEqual(new Set([`${devDependencies.node}-trixie-slim`]));
    const stages = lines.filter((line) => line.startsWith('FROM '));
    expect(stages.every((line) => line.startsWith('FROM ${NODE} AS '))).toBe(true);
  });

  it('runs as nobody in particular, and leaves health to whoever orchestrates', () => {
    expect(told('USER')).toEqual([expect.stringMatching(/^[1-9]\d+:[1-9]\d+$/)]);
    expect(lines.filter((line) => line.startsWith('HEALTHCHECK'))).toEqual([]);
    expect(told('STOPSIGNAL')).toEqual(['SIGTERM']);
  });

  it('tells the process what it understands, and the network the ports that it opens', () => {
    const env = Object.fromEntries(told('ENV').flatMap((line) => line.split(' ').map((pair) => pair.split('='))));
    const { NODE_ENV, ...own } = env as Record<string, string>;
    expect(NODE_ENV).toBe('production');
    expect(Object.keys(own).filter((name) => !environmentNames.includes(name))).toEqual([]);
    const { ports } = readSettings({}, 'run');
    expect(told('EXPOSE')).toEqual([`${ports.api} ${ports.redirect} ${ports.ops}`]);
  });
});

interface Service {
  image: string;
  environment?: Record<string, string>;
  ports?: string[];
  read_only?: boolean;
}

describe('docker/compose.yaml', () => {
  const { services } = parse(read('docker/compose.yaml'), { merge: true }) as { services: Record<string, Service> };
  const own = Object.entries(services).filter(([, { image }]) => image.startsWith('waypost/'));

  it('tells each role what the code takes', () => {
    expect(own.map(([name]) => name)).toEqual(['migration', 'api', 'redirect', 'worker']);
    for (const [name, { environment = {} }] of own) {
      expect([name, Object.keys(environment).filter((one) => !environmentNames.includes(one))]).toEqual([name, []]);
      const { roles } = readSettings(environment, name === 'migration' ? 'migrate' : 'run');
      expect(roles.size).toBe(name === 'migration' ? 3 : 1);
      expect(services[name]?.read_only).toBe(true);
    }
  });

  it('starts the API as the chart and `npm start` do', () => {
    const { api } = parse(read('helm/waypost/values.yaml')) as { api: { nodeFlags: string[] } };
    expect(services.api).toMatchObject({ command: [...api.nodeFlags, 'dist/main.js'] });
    const listed = api.nodeFlags.map((flag) => `'${flag}'`).join(', ');
    expect(read('bin/project.mjs')).toContain(`apiFlags = [${listed}]`);
  });

  it('opens ports to the laptop alone', () => {
    const opened = Object.values(services).flatMap(({ ports = [] }) => ports);
    expect(opened.length).toBeGreaterThan(3);
    expect(opened.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('has a Redis that does not evict', () => {
    const { command } = services.redis as Service & { command: string[] };
    expect(command.join(' ')).toContain('--maxmemory-policy noeviction --appendonly yes');
  });
});

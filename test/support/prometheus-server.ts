import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, request } from './waypost.js';
import { freePort } from './free-port.js';
import { ROOT } from './waypost-process.js';

/** One series of an answer, with its newest value. */
export interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}

interface QueryBody {
  status: string;
  error?: string;
  data?: { result: Sample[] };
}

/** A real Prometheus that looks every second, with the rules as they are shipped. */
export class PrometheusServer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly dir: string,
    private readonly url: string,
    private readonly output: () => string,
  ) {}

  /** @param targets addresses of ops ports, as `127.0.0.1:9464` */
  static async start(targets: string[]): Promise<PrometheusServer> {
    const [dir, port] = [await mkdtemp(join(tmpdir(), 'waypost-prometheus-')), await freePort()];
    const alerts = join(ROOT, 'helm/waypost/alerts');
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: (await readdir(alerts)).map((file) => join(alerts, file)),
      scrape_configs: [{ job_name: 'waypost', static_configs: [{ targets }] }],
    };
    // JSON is YAML.
    await writeFile(join(dir, 'prometheus.yml'), JSON.stringify(config));
    const args = [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    const child = spawn('prometheus', args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const server = new PrometheusServer(child, dir, `http://127.0.0.1:${port}`, () => text);
    await eventually(
      () => server.isReady(),
      (ready) => ready,
      30,
    );
    return server;
  }

  /** @throws with Prometheus' own words, where it does not understand the expression */
  async query(expr: string): Promise<Sample[]> {
    const { body } = await request<QueryBody>('GET', `${this.url}/api/v1/query?query=${encodeURIComponent(expr)}`);
    if (body.status !== 'success') throw new Error(`${expr}: ${body.error}`);
    return body.data?.result ?? [];
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) {
      this.child.kill('SIGTERM');
      await once(this.child, 'exit');
    }
    await rm(this.dir, { recursive: true, force: true });
  }

  private async isReady(): Promise<boolean> {
    if (this.child.exitCode !== null) throw new Error(`Prometheus ended by itself:\n${this.output()}`);
    const answer = await fetch(`${this.url}/-/ready`).catch(() => undefined);
    return answer?.ok === true;
  }
}

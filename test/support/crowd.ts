import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Visitors of one link, each on a keep-alive connection of its own, who come again and again until they are sent home. */
export class Crowd {
  /** Visits that were answered with a redirect. */
  answered = 0;
  /** Why the others were not. */
  readonly failures: string[] = [];
  private leaving = false;
  private readonly visitors: Array<Promise<void>>;

  /** @param whenRefused what to do who is not let in: count it as a failure, or leave */
  constructor(
    private readonly url: string,
    size: number,
    private readonly whenRefused: 'fail' | 'leave' = 'fail',
  ) {
    this.visitors = Array.from({ length: size }, () => this.visitor());
  }

  /** Resolves when everybody has had his answer and left. */
  async home(): Promise<void> {
    this.leaving = true;
    await Promise.all(this.visitors);
  }

  private async visitor(): Promise<void> {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    while (!this.leaving) {
      await this.visit(agent);
      await sleep(2);
    }
    agent.destroy();
  }

  private visit(agent: http.Agent): Promise<void> {
    return new Promise((resolve) => {
      const request = http.get(this.url, { agent }, (response) => {
        response.on('error', (error) => this.failures.push(`in the answer: ${String(error)}`));
        response.on('close', resolve);
        response.on('end', () => {
          if (response.statusCode === 302) this.answered++;
          else this.failures.push(`status ${response.statusCode}`);
        });
        response.resume();
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        // A server may close an idle connection at any time: then a client asks again on another, and so it does here.
        const wasIdle = request.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(error.code ?? '');
        // Whoever is not let in any more leaves: his connection was never taken.
        const notLetIn = this.whenRefused === 'leave' && !request.reusedSocket;
        if (notLetIn) this.leaving = true;
        else if (!wasIdle) this.failures.push(String(error));
        resolve();
      });
    });
  }
}

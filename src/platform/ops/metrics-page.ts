import { Injectable } from '@nestjs/common';
import { merge, type Metrics } from '../telemetry/metrics-of-processes.js';
import { registry } from '../telemetry/metrics.js';

/** What /metrics shows: the metrics of this process, with those of the processes it speaks for merged in. */
@Injectable()
export class MetricsPage {
  private others: (() => Promise<Metrics[]>) | undefined;
  readonly contentType = registry.contentType;

  /** @param others asks the other processes for their metrics */
  speakFor(others: () => Promise<Metrics[]>): void {
    this.others = others;
  }

  async text(): Promise<string> {
    if (!this.others) return registry.metrics();
    const [own, others] = await Promise.all([registry.getMetricsAsJSON(), this.others()]);
    return merge([own, ...others]).metrics();
  }
}

import { Injectable } from '@nestjs/common';
import { Registry } from 'prom-client';
import { asOpenMetrics, asText, merge, type Metrics } from '../telemetry/metrics-of-processes.js';
import { registry } from '../telemetry/registry.js';

interface Page {
  type: string;
  text: string;
}

/** What /metrics shows: the metrics of this process, with those of the processes it speaks for merged in. */
@Injectable()
export class MetricsPage {
  private others: (() => Promise<Metrics[]>) | undefined;

  /** @param others asks the other processes for their metrics */
  speakFor(others: () => Promise<Metrics[]>): void {
    this.others = others;
  }

  /** @param accept what the scraper takes. Exemplars are in OpenMetrics alone, which Prometheus asks for if it can use it */
  async page(accept = ''): Promise<Page> {
    const metrics = await this.metrics();
    return /\bapplication\/openmetrics-text\b/.test(accept)
      ? { type: Registry.OPENMETRICS_CONTENT_TYPE, text: await asOpenMetrics(metrics) }
      : { type: Registry.PROMETHEUS_CONTENT_TYPE, text: await asText(metrics) };
  }

  private async metrics(): Promise<Metrics> {
    if (!this.others) return registry.getMetricsAsJSON();
    const [own, others] = await Promise.all([registry.getMetricsAsJSON(), this.others()]);
    return merge([own, ...others]);
  }
}

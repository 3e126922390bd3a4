import { type CircuitBreakerPolicy, CircuitState } from 'cockatiel';
import { breakerOpen } from '../telemetry/gauges.js';
import { breakerOpenings } from '../telemetry/metrics.js';

/** Whether a dependency is left alone, for the metrics. */
export function watchBreaker(breaker: string, policy: CircuitBreakerPolicy): void {
  breakerOpen.watch({ breaker }, () => Number(policy.state !== CircuitState.Closed));
  // From 0 on, or the first time would look like none.
  breakerOpenings.inc({ breaker }, 0);
  policy.onBreak(() => breakerOpenings.inc({ breaker }));
}

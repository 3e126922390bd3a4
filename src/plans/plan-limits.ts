/** What a tenant may have; null: as much as it likes. */
export interface PlanLimits {
  linksPerMonth: number | null;
  domains: number | null;
  members: number | null;
  /** Of the API. */
  requestsPerMinute: number | null;
}

export type LimitName = keyof PlanLimits;

/** What a tenant's own plan does not say, the platform's says. */
export const inForce = (own: PlanLimits, platform: PlanLimits): PlanLimits => ({
  linksPerMonth: own.linksPerMonth ?? platform.linksPerMonth,
  domains: own.domains ?? platform.domains,
  members: own.members ?? platform.members,
  requestsPerMinute: own.requestsPerMinute ?? platform.requestsPerMinute,
});

/** The month that a moment counts for, by its first day; in UTC for everybody, so that it ends for all at once. */
export const monthOf = (moment: Date): string => `${moment.toISOString().slice(0, 7)}-01`;

/** When the month's count begins anew. */
export const endOfMonth = (moment: Date): Date =>
  new Date(Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth() + 1, 1));

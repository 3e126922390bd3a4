import { everything } from './pages.js';
import { type Caller, eventually } from './waypost.js';

export interface EventBody {
  id: string;
  sequence: number | null;
  action: string;
  actor: string;
  target: { type: string; id: string };
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  requestId: string;
  addressPrefix: string | null;
  occurredAt: string;
}

export interface VerificationBody {
  intact: boolean;
  checked: number;
  pending: number;
  firstBreak: { fault: string; sequence: number | null; eventId: string | null; detail: string } | null;
}

/** What was changed: to look at the trail is recorded there, too. */
export const changes = async <T extends { action: string } = EventBody>(caller: Caller, query = ''): Promise<T[]> =>
  (await everything<T>(caller, `/v1/audit-events${query}`)).filter(
    ({ action }) => !/\.(listed|exported|streamed|verified)$/.test(action),
  );

export async function verification(caller: Caller, query = ''): Promise<VerificationBody> {
  const answer = await caller.get<VerificationBody>(`/v1/audit-events/verify${query}`);
  if (answer.status !== 200) throw new Error(`Not verified: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Waits until all that was recorded so far is chained. */
export async function whenChained(caller: Caller): Promise<void> {
  await eventually(
    async () => (await everything<EventBody>(caller, '/v1/audit-events')).filter(({ sequence }) => sequence === null),
    // To look is recorded, and may be chained after that.
    (loose) => loose.every(({ action }) => action === 'audit_event.listed') && loose.length < 2,
    30,
  );
}

import type { Caller } from './waypost.js';
import { unique } from './waypost.js';

export interface MemberBody {
  id: string;
  name: string | null;
  email: string | null;
  role: string;
  status: string;
  identity: { provider: string; subject: string } | null;
  directory: { active: boolean; role: string | null } | null;
  restrictions: { domains?: string[]; tags?: string[] } | null;
  lastSeenAt: string | null;
  createdBy: string;
  createdAt: string;
  updatedAt: string;
}

/** An address nobody has used yet. */
export const someEmail = (): string => `${unique('m')}@example.com`;

/** A member who is invited; fails the test otherwise. */
export async function invite(by: Caller, input: Record<string, unknown> = {}): Promise<MemberBody> {
  const answer = await by.post<MemberBody>('/v1/members', { email: someEmail(), role: 'viewer', ...input });
  if (answer.status !== 201) throw new Error(`No member: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

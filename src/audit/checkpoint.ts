/** How far a tenant's chain had come at a time. */
export interface Checkpoint {
  tenantId: string;
  seq: number;
  hash: Buffer;
  madeAt: Date;
}

export interface SignedCheckpoint extends Checkpoint {
  signature: Buffer;
}

export const canonicalCheckpoint = ({ tenantId, seq, hash, madeAt }: Checkpoint): string =>
  ['audit-checkpoint', tenantId, seq, hash.toString('hex'), madeAt.toISOString()].join('\n');

/** For logs and for those who check: number, time, hash and signature, separated by dots. */
export const checkpointText = ({ seq, hash, madeAt, signature }: SignedCheckpoint): string =>
  [seq, madeAt.getTime(), hash.toString('base64url'), signature.toString('base64url')].join('.');

const TEXT = /^([1-9]\d{0,15})\.(\d{1,15})\.([\w-]{1,100})\.([\w-]{1,100})$/;

/** @returns undefined for what is no such text; whether the signature is right is another question */
export function readCheckpointText(tenantId: string, text: string): SignedCheckpoint | undefined {
  const [, seq, time, hash = '', signature = ''] = TEXT.exec(text) ?? [];
  if (seq === undefined || time === undefined || Number(time) > 8.64e15) return undefined;
  return {
    tenantId,
    seq: Number(seq),
    hash: Buffer.from(hash, 'base64url'),
    madeAt: new Date(Number(time)),
    signature: Buffer.from(signature, 'base64url'),
  };
}

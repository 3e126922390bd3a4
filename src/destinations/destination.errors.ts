import { type DomainError, invalidField } from '../platform/http/domain-error.js';
import type { Refusal } from './destination-policy.js';

/** Why a destination can not be used. */
export type DestinationFault = Refusal | 'destination_loops' | 'destination_listed';

export const refusedDestination = (pointer: string, fault: DestinationFault, { host }: URL): DomainError => {
  if (fault === 'destination_loops') return destinationLoops(pointer, host);
  if (fault === 'destination_listed') return destinationListed(pointer, host);
  if (fault === 'suspicious_host') return suspiciousHost(pointer, host);
  return fault === 'destination_denied' ? destinationDenied(pointer, host) : destinationNotAllowed(pointer, host);
};

const destinationLoops = (pointer: string, host: string): DomainError =>
  invalidField(pointer, 'destination_loops', `${host} is a short domain itself: a link to it could lead in circles.`);

const destinationListed = (pointer: string, host: string): DomainError =>
  invalidField(pointer, 'destination_listed', `This address on ${host} is on a list of harmful ones.`);

const destinationDenied = (pointer: string, host: string): DomainError =>
  invalidField(pointer, 'destination_denied', `The destination policy denies this address on ${host}.`);

const destinationNotAllowed = (pointer: string, host: string): DomainError =>
  invalidField(pointer, 'destination_not_allowed', `The destination policy does not allow this address on ${host}.`);

const suspiciousHost = (pointer: string, host: string): DomainError =>
  invalidField(pointer, 'suspicious_host', `${host} looks like another name, or mixes scripts.`);

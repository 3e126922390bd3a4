import { Injectable } from '@nestjs/common';

export type Check = () => Promise<void>;

/** What this process needs in order to be sent traffic. Roles add their checks; shutting down ends readiness first. */
@Injectable()
export class Readiness {
  readonly checks = new Map<string, Check>();
  stopping = false;

  /** @param check rejects when the dependency does not answer */
  add(name: string, check: Check): void {
    this.checks.set(name, check);
  }
}

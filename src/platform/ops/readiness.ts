import { Injectable } from '@nestjs/common';

export type Check = () => Promise<void>;

/**
 * What this process needs in order to be sent traffic. It begins when all ports are open: the operators' port may be the
 * first of them. Roles add their checks; shutting down ends readiness first.
 */
@Injectable()
export class Readiness {
  readonly checks = new Map<string, Check>();
  private readonly onStop: Array<() => void> = [];
  private begun = false;
  private ended = false;

  get starting(): boolean {
    return !this.begun;
  }

  get stopping(): boolean {
    return this.ended;
  }

  /** @param check rejects when the dependency does not answer */
  add(name: string, check: Check): void {
    this.checks.set(name, check);
  }

  /** @param listener hears when readiness ends: before the drain, and so before any shutdown hook */
  whenStopping(listener: () => void): void {
    this.onStop.push(listener);
  }

  begin(): void {
    this.begun = true;
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    for (const listener of this.onStop) listener();
  }
}

/** What operators' commands end with: see docs/operations.md. */
export const DONE = 0;
export const FAILED = 1;
export const MISUSED = 2;
/** The command worked, and what it looked at is not as it should be. */
export const FOUND = 3;

import { Injectable } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import type { Tx } from '../platform/context/context.js';
import { regionalNumber } from './short-code.js';

/** Numbers leased at once; what is left of a block when the process ends is never used. */
const BLOCK = 1000n;

/**
 * Gives each generated code a number that no process ever had. A value of the sequence stands for a block of numbers,
 * and a sequence never goes back, not even when the transaction does.
 */
@Injectable()
export class ShortCodeNumbers {
  private readonly blocks: Array<{ next: bigint; end: bigint }> = [];

  constructor(private readonly config: Config) {}

  async next(tx: Tx): Promise<bigint> {
    const block = this.blocks[0] ?? (await this.lease(tx));
    const number = block.next++;
    if (block.next === block.end) this.blocks.splice(this.blocks.indexOf(block), 1);
    return regionalNumber(number, this.config.region);
  }

  private async lease(tx: Tx): Promise<{ next: bigint; end: bigint }> {
    const [row] = (await tx.manager.query(`SELECT nextval('short_code_blocks') AS block`)) as [{ block: string }];
    const first = BigInt(row.block) * BLOCK;
    const block = { next: first, end: first + BLOCK };
    this.blocks.push(block);
    return block;
  }
}

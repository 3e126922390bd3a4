import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type ArgumentMetadata, Injectable, StandardSchemaValidationPipe } from '@nestjs/common';
import { DomainError } from './domain-error.js';
import { inputRefused } from './input-faults.js';
import { unstorableText } from './storable-text.js';

/** Checks every body, query and path parameter against its schema; a fault of a path parameter points to its name. */
@Injectable()
export class InputPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: inputRefused });
  }

  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      throw error instanceof DomainError && metadata.data !== undefined ? within(metadata.data, error) : error;
    }
  }

  protected override validate<T>(value: unknown, schema: StandardSchemaV1) {
    const issues = unstorableText(value);
    return issues.length > 0 ? { issues } : super.validate<T>(value, schema);
  }

  /** Nest would drop `constructor` and its like in silence; here they are unknown fields like any other. */
  protected override stripProtoKeys(): void {}
}

const within = (parameter: string, { kind, code, detail, faults }: DomainError): DomainError =>
  new DomainError(
    kind,
    code,
    detail,
    faults.map((fault) => ({ ...fault, pointer: `/${parameter}${fault.pointer}` })),
  );

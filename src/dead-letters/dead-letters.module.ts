import { Module } from '@nestjs/common';
import { DeadLettersRepository } from './dead-letters.repository.js';
import { DeadLettersService } from './dead-letters.service.js';

@Module({ providers: [DeadLettersRepository, DeadLettersService], exports: [DeadLettersService] })
export class DeadLettersModule {}

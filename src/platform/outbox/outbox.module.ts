import { Module } from '@nestjs/common';
import { OutboxRecorder } from './outbox.recorder.js';

@Module({ providers: [OutboxRecorder], exports: [OutboxRecorder] })
export class OutboxModule {}

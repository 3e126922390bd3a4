import { Module } from '@nestjs/common';
import { ClickErasuresRecorder } from './click-erasures.recorder.js';

@Module({ providers: [ClickErasuresRecorder], exports: [ClickErasuresRecorder] })
export class ClickErasuresModule {}

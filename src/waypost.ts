#!/usr/bin/env node
import 'reflect-metadata';
import { runCommand } from './operate/program.js';

process.exitCode = await runCommand(process.argv.slice(2));

// What a failure has left open, such as a pool, keeps nobody waiting; what is not written out yet does.
setInterval(() => process.stdout.writableLength === 0 && process.exit(), 500).unref();

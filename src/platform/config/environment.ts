import { type Settings, readSettings } from './config.js';

/** The one place that reads the process's environment. */
export const settingsFromEnvironment = (purpose: 'run' | 'migrate'): Settings => readSettings(process.env, purpose);

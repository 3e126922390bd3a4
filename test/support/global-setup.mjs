export { setup as default } from './shared-waypost.ts';

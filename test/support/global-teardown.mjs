export { teardown as default } from './shared-waypost.ts';

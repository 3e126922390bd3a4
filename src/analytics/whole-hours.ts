import type { Question } from './question.js';

const HOUR = 3_600_000;

export const startOfHour = (time: Date): Date => new Date(Math.floor(time.getTime() / HOUR) * HOUR);

const within = (time: Date, { wholeHoursBefore }: Pick<Question, 'wholeHoursBefore'>): boolean =>
  wholeHoursBefore !== undefined && time < wholeHoursBefore && time.getTime() % HOUR !== 0;

/** Whether an entry from here to there begins or ends within an hour of which there is but one sum. */
export const isRounded = (from: Date, to: Date, question: Pick<Question, 'wholeHoursBefore'>): boolean =>
  within(from, question) || within(to, question);

/** Whether the answer would need finer sums than there are: days at +05:30, say, begin within an hour. */
export const cutsHours = (question: Pick<Question, 'start' | 'to' | 'slices' | 'wholeHoursBefore'>): boolean =>
  [question.start, question.to, ...question.slices.slice(1)].some((time) => within(time, question));

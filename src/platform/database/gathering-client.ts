import pg from 'pg';

const BEGINS = /^(BEGIN|START TRANSACTION)\b/;
const ENDS = /^(COMMIT|ROLLBACK)$/;

/**
 * A connection on which the statements of a transaction that are made in one go travel as one message, and so do the
 * answers. By themselves each would be sent and answered with system calls of its own, in both processes: that took half
 * of the API's time. A statement that fails keeps those behind it in the message from being carried out.
 */
export class GatheringClient extends pg.Client {
  private inTransaction = false;
  private gathered: Statement[] = [];

  /** Statements that are a text, and not a callback's: as TypeORM makes them. All others are sent at once. */
  override query(...given: never[]): never;
  override query(text: unknown, values?: unknown, ...more: unknown[]): unknown {
    const plain = typeof text === 'string' && (values === undefined || Array.isArray(values)) && more.length === 0;
    if (plain && BEGINS.test(text)) this.inTransaction = true;
    if (!plain || !this.inTransaction || text === 'ROLLBACK') {
      // A rollback comes through, whatever went wrong in the message before.
      this.inTransaction &&= text !== 'ROLLBACK';
      this.send();
      return super.query(...([text, values, ...more] as unknown as [string]));
    }
    this.inTransaction = !ENDS.test(text);
    return this.gather(text, values);
  }

  private gather(text: string, values: unknown[] | undefined): Promise<pg.QueryResult> {
    // Runs when no promise has anything left to do.
    if (this.gathered.length === 0) process.nextTick(() => this.send());
    const statement = new Statement(text, values ?? []);
    this.gathered.push(statement);
    return statement.result;
  }

  private send(): void {
    if (this.gathered.length === 0) return;
    const statements = this.gathered;
    this.gathered = [];
    super.query(new Message(statements));
  }
}

/** Why a statement was not carried out that has nothing wrong with it: `cause` is the error of one before it. */
export class NotCarriedOut extends Error {
  constructor(cause: unknown) {
    super('A statement before this one failed', { cause });
  }
}

/** What the driver calls a query with as PostgreSQL's messages come; its types know nothing of it. */
interface Listening extends pg.Query {
  handleRowDescription(message: unknown): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, connection: pg.Connection): void;
  handleReadyForQuery(connection: pg.Connection): void;
  handleError(error: unknown, connection: pg.Connection): void;
}

type Settle = (error: Error | undefined, result: pg.QueryResult) => void;
const ListeningQuery = pg.Query as unknown as new (config: object, settle: Settle) => Listening;

class Statement extends ListeningQuery {
  /** Whether there is nothing to wait for any longer. */
  settled = false;
  readonly result: Promise<pg.QueryResult>;

  constructor(text: string, values: unknown[]) {
    const { promise, resolve, reject } = Promise.withResolvers<pg.QueryResult>();
    super({ text, values, queryMode: 'extended' }, (error, result) => {
      this.settled = true;
      if (error) reject(error);
      else resolve(result);
    });
    this.result = promise;
  }
}

/** What a statement of a message is written to. */
function partOf(connection: pg.Connection): pg.Connection {
  let parsed: string | undefined;
  return Object.create(connection, {
    // What PostgreSQL has parsed last it takes other values for.
    parse: {
      value(query: pg.QueryParse) {
        if (query.text !== parsed) connection.parse(query, true);
        parsed = query.text;
      },
    },
    close: {
      value(statement: pg.MessageConfig) {
        connection.close(statement, true);
        parsed = undefined;
      },
    },
    // Sync is what it answers at.
    sync: { value: () => undefined },
  }) as pg.Connection;
}

/** To the driver it is one query; PostgreSQL answers when it comes to the end, and the statements take turns to listen. */
class Message extends pg.Query {
  /** The driver's own, with which it ends its deadline. */
  callback: ((error?: unknown) => void) | undefined;

  /** @param waiting for their answers, in order */
  constructor(private waiting: Statement[]) {
    super({ text: '' });
  }

  override submit = (connection: pg.Connection): null => {
    connection.stream.cork();
    const part = partOf(connection);
    for (const statement of this.waiting) statement.submit(part);
    // Of one whose values can not be written down, PostgreSQL hears no more than the text.
    this.waiting = this.waiting.filter(({ settled }) => !settled);
    connection.sync();
    connection.stream.uncork();
    return null;
  };

  handleRowDescription(message: unknown): void {
    this.waiting[0]?.handleRowDescription(message);
  }

  handleDataRow(message: unknown): void {
    this.waiting[0]?.handleDataRow(message);
  }

  handleCommandComplete(message: unknown, connection: pg.Connection): void {
    const statement = this.waiting.shift();
    statement?.handleCommandComplete(message, connection);
    statement?.handleReadyForQuery(connection);
  }

  handleEmptyQuery(connection: pg.Connection): void {
    this.waiting.shift()?.handleReadyForQuery(connection);
  }

  handleError(error: unknown, connection: pg.Connection): void {
    const [failed, ...others] = this.waiting.splice(0);
    failed?.handleError(error, connection);
    for (const statement of others) statement.handleError(new NotCarriedOut(error), connection);
    this.callback?.(error);
  }

  handleReadyForQuery(): void {
    this.callback?.();
  }
}

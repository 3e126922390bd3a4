import { createServer } from 'node:http';

/**
 * The least a Node server can do for the same answer: no routing, no look-up, no database. Started with `fork`; takes
 * one message, the answer to give, and sends its port back.
 */
process.once('message', ({ status, headers, body }) => {
  const server = createServer((request, response) => {
    request.resume();
    request.once('end', () => response.writeHead(status, headers).end(body));
  });
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
});
process.once('disconnect', () => process.exit());

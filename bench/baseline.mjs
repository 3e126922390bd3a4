import { createServer } from 'node:http';

/**
 * The least a Node server can do for the same answer: no routing, no look-up, no database. Started with an IPC channel
 * and the answer to give, in JSON; sends its port back.
 */
const { status, headers, body } = JSON.parse(process.argv[2]);
const server = createServer((request, response) => {
  const answer = () => response.writeHead(status, headers).end(body);
  if (request.method === 'GET') return answer(); // nobody reads a body that is not there
  request.resume();
  request.once('end', answer);
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.once('disconnect', () => process.exit());

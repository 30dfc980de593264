// A small real upstream that records what arrives and answers as a test tells it to.
import { once } from 'node:events';
import http from 'node:http';

/**
 * `upstream.answers` is a queue of handlers `(req, res, body) => …`; when it is empty, `upstream.otherwise` answers.
 * `upstream.seen` holds each request: `{method, url, headers, rawHeaders, body}`.
 */
export async function startUpstream() {
  const upstream = { seen: [], answers: [], otherwise: answer(200, { served: true }) };
  const server = http.createServer({ maxHeaderSize: 64 * 1024 }, async (req, res) => {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const { method, url, headers, rawHeaders } = req;
    upstream.seen.push({ method, url, headers, rawHeaders, body: Buffer.concat(chunks) });
    const handler = upstream.answers.shift() ?? upstream.otherwise;
    handler(req, res);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  upstream.origin = `http://127.0.0.1:${server.address().port}`;
  upstream.reset = () => {
    upstream.seen.length = 0;
    upstream.answers.length = 0;
    upstream.otherwise = answer(200, { served: true });
  };
  upstream.close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return upstream;
}

/** Answers with JSON. */
export function answer(status, body, headers = {}) {
  const bytes = Buffer.from(JSON.stringify(body));
  return (_req, res) => {
    res.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers });
    res.end(bytes);
  };
}

/** Cuts the connection before any header. */
export const reset = (req) => req.socket.destroy();

/** Never answers. */
export const hang = () => {};

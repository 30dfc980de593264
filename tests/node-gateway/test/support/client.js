// A plain HTTP client that sends exactly what it is told, and gives exactly what came back.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

/**
 * @param {string} address host:port
 * @param {{method?: string, path: string, headers?: Record<string, string | string[]>, body?: string | Buffer,
 *   chunked?: boolean}} request `body` is sent with its length unless `chunked`
 */
export async function call(address, { method = 'GET', path, headers = {}, body, chunked = false }) {
  const [host, port] = address.split(':');
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  const framing = chunked ? { 'transfer-encoding': 'chunked' } : length;
  const req = http.request({
    host,
    port,
    method,
    path,
    headers: { ...framing, ...headers },
    agent: false,
    maxHeaderSize: 65536,
  });
  if (chunked) req.write(body);
  req.end(chunked ? undefined : body);
  const [res] = await once(req, 'response');
  const chunks = [];
  for await (const chunk of res) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  return {
    status: res.statusCode,
    headers: res.headers,
    rawHeaders: res.rawHeaders,
    bytes,
    get json() {
      return JSON.parse(bytes.toString());
    },
  };
}

/** Opens a connection, writes `text` and gives the socket. */
export async function connect(address, text) {
  const [host, port] = address.split(':');
  const socket = net.connect(Number(port), host);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

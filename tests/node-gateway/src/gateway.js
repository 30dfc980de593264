// The running gateway: everything it needs is made and checked before it takes its first connection.
import { once } from 'node:events';
import http from 'node:http';
import { createApp } from './app.js';
import { loadContract } from './contract.js';
import { loadJwks } from './jwks.js';
import { createMetrics, createMetricsServer } from './metrics.js';
import { StartupError } from './startup-error.js';
import { createTokenVerifier } from './token.js';
import { Upstream } from './upstream.js';

const MAX_HEADER_BYTES = 60 * 1024;
const DRAIN_CHECK_MS = 50;

/** Starts both servers; gives their addresses and `stop()`, which lets requests under way finish. */
export async function startGateway(config, logger) {
  const contract = loadContract(config.contract);
  const keys = await loadJwks(config.jwksFile);
  const verify = createTokenVerifier({ keys, issuer: config.issuer, audience: config.audience });
  const metrics = createMetrics();
  const upstreams = createUpstreams(config, metrics);
  const { maxBodyBytes, validation } = config;
  const app = await createApp({ contract, verify, upstreams, maxBodyBytes, validation, logger });

  const server = createServer(app, config);
  const metricsServer = createMetricsServer(metrics.registry);
  for (const each of [server, metricsServer]) trackSockets(each);
  try {
    await listen(server, config.host, config.port, 'PORT');
    await listen(metricsServer, config.host, config.metricsPort, 'METRICS_PORT');
  } catch (error) {
    server.close();
    await closeAll(upstreams);
    throw error;
  }
  return {
    address: addressOf(server),
    metricsAddress: addressOf(metricsServer),
    stop: async () => {
      await drain(server, config.shutdownTimeoutMs);
      await drain(metricsServer, 0);
      await closeAll(upstreams);
    },
  };
}

function createUpstreams(config, metrics) {
  const upstreams = Object.fromEntries(
    Object.entries(config.upstreams).map(([name, settings]) => [
      name,
      new Upstream(settings, config.breaker, metrics),
    ]),
  );
  metrics.watchBreakers(Object.values(upstreams));
  return upstreams;
}

function createServer(app, config) {
  const server = http.createServer({ maxHeaderSize: MAX_HEADER_BYTES, noDelay: true });
  server.keepAliveTimeout = config.keepAliveTimeoutMs;
  server.requestTimeout = config.requestTimeoutMs;
  server.headersTimeout = config.requestTimeoutMs;
  server.on('request', (req, res) => {
    // While draining, the answer tells the caller to come back on another connection.
    if (!server.listening) res.setHeader('connection', 'close');
    app(req, res);
  });
  return server;
}

async function listen(server, host, port, setting) {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const what = `${host}:${port} (${setting})`;
    if (error.code === 'EADDRINUSE') {
      throw new StartupError(`the address ${what} is taken: stop who holds it, or choose another ${setting}`);
    }
    throw new StartupError(`cannot listen on ${what}: ${error.message}`);
  }
}

function trackSockets(server) {
  server.sockets = new Set();
  server.on('connection', (socket) => {
    server.sockets.add(socket);
    socket.once('close', () => server.sockets.delete(socket));
  });
}

async function drain(server, patienceMs) {
  const closed = once(server, 'close');
  server.close();
  const closeIdle = () => {
    server.closeIdleConnections();
    // Opened ahead by a client and never used: to Node these are not idle.
    for (const socket of server.sockets) if (socket.bytesRead === 0) socket.destroy();
  };
  closeIdle();
  // Connections that go idle after close() was called would stay open until their keep-alive ends.
  const check = setInterval(closeIdle, DRAIN_CHECK_MS);
  const deadline = setTimeout(() => server.closeAllConnections(), patienceMs);
  await closed;
  clearInterval(check);
  clearTimeout(deadline);
}

async function closeAll(upstreams) {
  await Promise.all(Object.values(upstreams).map((upstream) => upstream.close()));
}

function addressOf(server) {
  const { address, port, family } = server.address();
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}

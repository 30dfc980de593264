// The real gateway on free ports, with upstreams and an issuer of its own.
import { after } from 'node:test';
import { loadConfig } from '../../src/config.js';
import { startGateway } from '../../src/gateway.js';
import { createLogger } from '../../src/logging.js';
import { call } from './client.js';
import { createIssuer } from './keys.js';
import { startUpstream } from './upstream.js';

/** `settings` are environment variables. All is stopped when the tests of the file are done. */
export async function runGateway(settings = {}) {
  const issuer = await createIssuer();
  const trade = await startUpstream();
  const task = await startUpstream();
  const config = loadConfig({
    PORT: '0',
    JWKS_FILE: issuer.jwksFile,
    UPSTREAM_TRADE: trade.origin,
    UPSTREAM_TASK: task.origin,
    SHUTDOWN_TIMEOUT_MS: '0',
    BREAKER_VOLUME: '1000',
    ...settings,
  });
  const lines = [];
  const { logger } = createLogger(config.log, { write: (line) => lines.push(JSON.parse(line)) });
  const gateway = await startGateway(config, logger);
  after(async () => {
    await gateway.stop();
    await Promise.all([trade.close(), task.close()]);
  });

  const token = await issuer.mint();
  const withToken = (headers = {}) => ({ authorization: `Bearer ${token}`, ...headers });
  return {
    address: gateway.address,
    metricsAddress: gateway.metricsAddress,
    issuer,
    trade,
    task,
    lines,
    token,
    /** Sends a request as it is. */
    anonymous: (request) => call(gateway.address, request),
    /** Sends a request with a token of all scopes. */
    call: (request) => call(gateway.address, { ...request, headers: withToken(request.headers) }),
    /** Sends a JSON body with a token of all scopes. */
    send: (method, path, body, headers = {}) =>
      call(gateway.address, {
        method,
        path,
        body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
        headers: withToken({ 'content-type': 'application/json', ...headers }),
      }),
    metrics: async () => (await call(gateway.metricsAddress, { path: '/metrics' })).bytes.toString(),
  };
}

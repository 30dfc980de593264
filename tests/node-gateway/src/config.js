// Reads the environment once, at start, into a configuration that cannot be wrong afterwards.
import { fileURLToPath } from 'node:url';
import { StartupError } from './startup-error.js';

const repository = new URL('../../../', import.meta.url);
const fromRepository = (path) => fileURLToPath(new URL(path, repository));

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];
const BYTES = { b: 1, kb: 1024, mb: 1024 ** 2 };

export const UPSTREAMS = ['trade', 'task'];
const DEFAULT_URLS = { trade: 'http://127.0.0.1:4001', task: 'http://127.0.0.1:4002' };

export function loadConfig(env) {
  const port = integer(env, 'PORT', 3000, 0, 65535);
  return {
    host: text(env, 'HOST', '127.0.0.1'),
    port,
    // Who asks for a free port wants no fixed one beside it.
    metricsPort: integer(env, 'METRICS_PORT', port === 0 ? 0 : 3001, 0, 65535),
    contract: text(env, 'CONTRACT', fromRepository('openapi/trade-task.yaml')),
    jwksFile: text(env, 'JWKS_FILE', fromRepository('.run/keys/jwks.json')),
    issuer: text(env, 'ISSUER', 'https://issuer.cutover.example'),
    audience: text(env, 'AUDIENCE', 'gateway'),
    validation: oneOf(env, 'VALIDATION', 'on', ['on', 'off']) === 'on',
    maxBodyBytes: bytes(env, 'MAX_BODY', '1mb'),
    keepAliveTimeoutMs: integer(env, 'KEEP_ALIVE_TIMEOUT_MS', 75_000, 1),
    requestTimeoutMs: integer(env, 'REQUEST_TIMEOUT_MS', 30_000, 1),
    shutdownTimeoutMs: integer(env, 'SHUTDOWN_TIMEOUT_MS', 10_000, 0),
    log: { level: oneOf(env, 'LOG_LEVEL', 'info', LOG_LEVELS), file: text(env, 'LOG_FILE', undefined) },
    breaker: {
      errorPercent: integer(env, 'BREAKER_ERROR_PERCENT', 50, 1, 100),
      volume: integer(env, 'BREAKER_VOLUME', 20, 1),
      windowMs: integer(env, 'BREAKER_WINDOW_MS', 10_000, 100),
      resetMs: integer(env, 'BREAKER_RESET_MS', 10_000, 1),
    },
    upstreams: Object.fromEntries(UPSTREAMS.map((name) => [name, upstream(env, name)])),
  };
}

// A setting of one upstream, e.g. UPSTREAM_TRADE_TIMEOUT_MS, wins over that of all, UPSTREAM_TIMEOUT_MS.
function upstream(env, name) {
  const prefix = `UPSTREAM_${name.toUpperCase()}`;
  const setting = (key, fallback, min) =>
    integer(env, env[`${prefix}_${key}`] ? `${prefix}_${key}` : `UPSTREAM_${key}`, fallback, min);
  return {
    name,
    origin: origin(env, prefix, DEFAULT_URLS[name]),
    timeoutMs: setting('TIMEOUT_MS', 2000, 1),
    connectTimeoutMs: setting('CONNECT_TIMEOUT_MS', 1000, 1),
    connections: setting('CONNECTIONS', 256, 1),
    pending: setting('PENDING', 128, 0),
  };
}

function text(env, name, fallback) {
  return env[name] === undefined || env[name] === '' ? fallback : env[name];
}

function integer(env, name, fallback, min, max = 2 ** 31 - 1) {
  const value = text(env, name, String(fallback));
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= min && number <= max)) {
    throw new StartupError(`${name} is '${value}': give a whole number from ${min} to ${max}`);
  }
  return number;
}

function oneOf(env, name, fallback, allowed) {
  const value = text(env, name, fallback);
  if (!allowed.includes(value))
    throw new StartupError(`${name} is '${value}': give one of ${allowed.join(', ')}`);
  return value;
}

function bytes(env, name, fallback) {
  const value = text(env, name, fallback);
  const match = /^(\d+)(b|kb|mb)?$/i.exec(value);
  if (!match) throw new StartupError(`${name} is '${value}': give a size like 1048576, 512kb or 1mb`);
  return Number(match[1]) * BYTES[(match[2] ?? 'b').toLowerCase()];
}

function origin(env, name, fallback) {
  const value = text(env, name, fallback);
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'http:' || url.pathname !== '/' || url.search !== '') {
    throw new StartupError(`${name} is '${value}': give an address like ${fallback}, without a path`);
  }
  return url.origin;
}

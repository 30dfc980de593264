// What is checked before the first connection is taken, and in which words.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadConfig } from '../src/config.js';
import { findRoute, loadContract } from '../src/contract.js';
import { startGateway } from '../src/gateway.js';
import { createLogger } from '../src/logging.js';
import { StartupError } from '../src/startup-error.js';
import { createIssuer, temporaryDirectory } from './support/keys.js';

const issuer = await createIssuer();
const directory = temporaryDirectory();
const contract = readFileSync(loadConfig({}).contract, 'utf8');
const missing = join(directory, 'missing');

function file(name, text) {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
}

async function start(env) {
  const config = loadConfig({ PORT: '0', JWKS_FILE: issuer.jwksFile, LOG_LEVEL: 'silent', ...env });
  const { logger } = createLogger(config.log);
  return startGateway(config, logger);
}

describe('the start fails', () => {
  for (const [what, env, text] of [
    [
      'the keys are missing',
      { JWKS_FILE: missing },
      `cannot read the keys ${missing} (JWKS_FILE): no such file`,
    ],
    ['the keys are not JSON', { JWKS_FILE: file('a', '{') }, '(JWKS_FILE) are not JSON'],
    ['the keys are no JWKS', { JWKS_FILE: file('b', '[]') }, 'are not a JWKS'],
    ['no key is usable', { JWKS_FILE: file('c', '{"keys":[{"kty":"RSA"}]}') }, 'hold no usable key'],
    [
      'a key is broken',
      { JWKS_FILE: file('d', '{"keys":[{"kty":"RSA","kid":"x","alg":"RS256"}]}') },
      'the key x in',
    ],
    [
      'a key is there twice',
      { JWKS_FILE: file('k', twice(issuer.jwks[0])) },
      'two keys with kid rsa and alg RS256',
    ],
    [
      'the contract is missing',
      { CONTRACT: missing },
      `cannot read the contract ${missing} (CONTRACT): no such file`,
    ],
    ['the contract is a folder', { CONTRACT: directory }, 'it is a directory'],
    ['the contract is not YAML', { CONTRACT: file('e', 'a: [') }, '(CONTRACT) is not YAML'],
    ['the contract is something else', { CONTRACT: file('f', 'a: 1') }, 'is not an OpenAPI 3 document'],
    [
      'an operation has no operationId',
      { CONTRACT: file('g', contract.replace('operationId: listTasks', 'x-a: 1')) },
      'GET /v1/task in the contract has no operationId',
    ],
    [
      'no upstream serves an operation',
      { CONTRACT: file('h', contract.replace('tags: [task]', 'tags: [other]')) },
      'operation listTasks in the contract has none of the tags trade, task',
    ],
    [
      'a reference leads nowhere',
      { CONTRACT: file('i', contract.replace('parameters/Limit', 'parameters/Limt')) },
      'the contract refers to #/components/parameters/Limt, which is not in it',
    ],
    [
      'a security scheme is not supported',
      { CONTRACT: file('j', contract.replace('scheme: bearer', 'scheme: basic')) },
      'uses the security scheme bearerAuth: only http bearer is supported',
    ],
    ['a number is none', { UPSTREAM_TIMEOUT_MS: '2s' }, "UPSTREAM_TIMEOUT_MS is '2s': give a whole number"],
    [
      'a setting of one upstream is wrong',
      { UPSTREAM_TASK_CONNECTIONS: '0' },
      'UPSTREAM_TASK_CONNECTIONS is',
    ],
    ['a size is none', { MAX_BODY: 'big' }, "MAX_BODY is 'big': give a size"],
    ['an upstream has a path', { UPSTREAM_TRADE: 'http://127.0.0.1:1/api' }, 'UPSTREAM_TRADE is'],
    ['a log level is unknown', { LOG_LEVEL: 'loud' }, "LOG_LEVEL is 'loud': give one of fatal"],
    ['the log cannot be written', { LOG_FILE: directory }, '(LOG_FILE): it is a directory'],
  ]) {
    test(`when ${what}`, async () => {
      await assert.rejects(start(env), (error) => {
        assert.ok(error instanceof StartupError, error.stack);
        assert.ok(error.message.includes(text), error.message);
        assert.ok(!error.message.includes('\n'), error.message);
        return true;
      });
    });
  }
});

describe('the configuration', () => {
  test('has the defaults of the demo', () => {
    const config = loadConfig({});
    assert.equal(config.host, '127.0.0.1');
    assert.deepEqual([config.port, config.metricsPort], [3000, 3001]);
    assert.equal(config.maxBodyBytes, 1024 * 1024);
    assert.deepEqual(config.upstreams.task, {
      name: 'task',
      origin: 'http://127.0.0.1:4002',
      timeoutMs: 2000,
      connectTimeoutMs: 1000,
      connections: 256,
      pending: 128,
    });
  });

  test('takes a free port for the metrics beside a free port', () => {
    assert.equal(loadConfig({ PORT: '0' }).metricsPort, 0);
    assert.equal(loadConfig({ PORT: '0', METRICS_PORT: '9' }).metricsPort, 9);
  });

  test('lets a setting of one upstream win over that of all', () => {
    const { upstreams } = loadConfig({ UPSTREAM_TIMEOUT_MS: '10', UPSTREAM_TASK_TIMEOUT_MS: '20' });
    assert.deepEqual([upstreams.trade.timeoutMs, upstreams.task.timeoutMs], [10, 20]);
  });
});

test('keys that cannot be used here are ignored', async () => {
  const keys = [
    ...issuer.jwks,
    { kty: 'XX' },
    null,
    { ...issuer.jwks[0], use: 'enc' },
    { kty: 'RSA', alg: 'PS256', kid: 'p' },
  ];
  const gateway = await start({ JWKS_FILE: file('l', JSON.stringify({ keys })) });
  await gateway.stop();
});

test('a concrete path wins over a templated one, wherever it stands', () => {
  const operation = (id) => `{ operationId: ${id}, tags: [task], responses: {} }`;
  const paths = ['/a/{x}', '/a/b', '/{y}/b', '/a.c'].map(
    (path, i) => `  '${path}': { get: ${operation(`op${i}`)} }`,
  );
  const { pathItems } = loadContract(file('m', `openapi: 3.1.0\npaths:\n${paths.join('\n')}\n`));
  const found = (path) => findRoute(pathItems, 'GET', path).operation?.id;
  assert.deepEqual(['/a/b', '/a/c', '/c/b', '/a.c', '/abc'].map(found), [
    'op1',
    'op0',
    'op2',
    'op3',
    undefined,
  ]);
});

function twice(jwk) {
  return JSON.stringify({ keys: [jwk, jwk] });
}

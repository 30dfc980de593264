// The process: how it starts, how it fails to start, and how it stops.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { call, connect } from './support/client.js';
import { eventually } from './support/expect.js';
import { createIssuer, temporaryDirectory } from './support/keys.js';
import { answer, startUpstream } from './support/upstream.js';

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));
const issuer = await createIssuer();
const upstream = await startUpstream();
after(() => upstream.close());

// A child with its output; it is killed when the tests are done, should it still run.
function start(env) {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      JWKS_FILE: issuer.jwksFile,
      UPSTREAM_TASK: upstream.origin,
      ...env,
    },
  });
  const run = { child, stdout: '', stderr: '', exit: once(child, 'close') };
  child.stdout.on('data', (chunk) => (run.stdout += chunk));
  child.stderr.on('data', (chunk) => (run.stderr += chunk));
  after(() => child.kill('SIGKILL'));
  return run;
}

async function ready(run) {
  await eventually(() => run.stdout.includes('\n') || run.child.exitCode !== null, 'the ready line', 20_000);
  assert.equal(run.child.exitCode, null, run.stderr);
  return JSON.parse(run.stdout.split('\n')[0]);
}

async function expectFailure(env, text) {
  const run = start(env);
  const [code] = await run.exit;
  assert.equal(code, 1, run.stdout + run.stderr);
  assert.equal(run.stdout, '');
  assert.match(run.stderr, /^node-gateway: [^\n]*\n$/);
  assert.ok(run.stderr.includes(text), run.stderr);
}

describe('the start', () => {
  test('says its addresses in one line, logs after it, and answers', async () => {
    const run = start({});
    const line = await ready(run);
    assert.deepEqual(Object.keys(line), ['ready', 'address', 'metrics']);
    assert.equal((await call(line.address, { path: '/healthz' })).status, 200);
    assert.equal((await call(line.metrics, { path: '/metrics' })).status, 200);
    await eventually(() => run.stdout.includes('"request completed"'), 'the log line on stdout');
    assert.equal(run.stderr, '');
  });

  test('puts the log into LOG_FILE, whose folder it makes, without secrets', async () => {
    const file = join(temporaryDirectory(), 'logs', 'gateway.log');
    const run = start({ LOG_FILE: file });
    const { address } = await ready(run);
    const headers = { authorization: 'Bearer secret-token', cookie: 'session=secret-cookie' };
    await call(address, { path: '/v1/task/1', headers });
    const text = await eventually(() => readFileSync(file, 'utf8'), 'the log line in the file');
    const line = JSON.parse(text);
    assert.equal(line.res.statusCode, 401);
    assert.equal(line.req.headers.authorization, '[redacted]');
    assert.equal(line.req.headers.cookie, '[redacted]');
    assert.equal(run.stdout.trim().split('\n').length, 1);
  });
});

describe('the start fails with one line', () => {
  test('when the port is taken', async () => {
    const holder = net.createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const port = String(holder.address().port);
    await expectFailure({ PORT: port, METRICS_PORT: '0' }, `the address 127.0.0.1:${port} (PORT) is taken`);
    await expectFailure({ METRICS_PORT: port }, `the address 127.0.0.1:${port} (METRICS_PORT) is taken`);
    holder.close();
  });

  test('when a file is missing', async () => {
    const missing = join(temporaryDirectory(), 'missing');
    await expectFailure({ JWKS_FILE: missing }, `cannot read the keys ${missing} (JWKS_FILE): no such file`);
    await expectFailure(
      { CONTRACT: missing },
      `cannot read the contract ${missing} (CONTRACT): no such file`,
    );
  });
});

describe('the stop', () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    test(`by ${signal} lets a request under way finish, and takes no new one`, async () => {
      upstream.reset();
      const held = [];
      upstream.otherwise = (req, res) => held.push(() => answer(200, { late: true })(req, res));
      const run = start({});
      const { address } = await ready(run);
      const headers = { authorization: `Bearer ${await issuer.mint()}` };
      // One that was opened ahead and one that is kept alive must not hold the process up.
      const unused = await connect(address, '');
      const kept = await connect(address, 'GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n');
      await once(kept, 'data');
      const underWay = call(address, { path: '/v1/task/1', headers });
      await eventually(() => held.length === 1, 'the request is at the upstream');

      const signalled = performance.now();
      run.child.kill(signal);
      await eventually(() => run.stdout.includes('"stopping"'), 'the process has taken the signal');
      await assert.rejects(call(address, { path: '/healthz' }), { code: 'ECONNREFUSED' });
      held[0]();
      assert.deepEqual((await underWay).json, { late: true });
      const [code] = await run.exit;
      assert.equal(code, 0, run.stderr);
      assert.match(run.stdout, /"stopped"/);
      assert.ok(performance.now() - signalled < 9000, 'the deadline was waited for');
      unused.destroy();
      kept.destroy();
    });
  }

  test('cuts what does not end in time', async () => {
    upstream.reset();
    upstream.otherwise = () => {};
    const run = start({ SHUTDOWN_TIMEOUT_MS: '100', UPSTREAM_TIMEOUT_MS: '60000' });
    const { address } = await ready(run);
    const headers = { authorization: `Bearer ${await issuer.mint()}` };
    const underWay = assert.rejects(call(address, { path: '/v1/task/1', headers }));
    await eventually(() => upstream.seen.length === 1, 'the request is at the upstream');
    run.child.kill('SIGTERM');
    await underWay;
    assert.equal((await run.exit)[0], 0);
  });
});

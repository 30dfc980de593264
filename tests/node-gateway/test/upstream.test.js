// What becomes of the upstream's answers and failures: mapping, time limits, retries, breaker, metrics.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { beforeEach, describe, test } from 'node:test';
import { backoffMs, shouldRetry } from '../src/retry.js';
import { connect } from './support/client.js';
import { eventually, expectRefusal } from './support/expect.js';
import { runGateway } from './support/gateway.js';
import { answer, hang, reset } from './support/upstream.js';

const TIMEOUT_MS = 250;
const gateway = await runGateway({ UPSTREAM_TIMEOUT_MS: String(TIMEOUT_MS) });
beforeEach(() => {
  gateway.task.reset();
  gateway.trade.reset();
});

const get = () => gateway.call({ path: '/v1/task/1' });
const create = () => gateway.send('POST', '/v1/task', { title: 'a', priority: 'low' });
const counterOf = async (labels, of = gateway) => {
  const line = (await of.metrics())
    .split('\n')
    .find((l) => l.startsWith(`router_upstream_requests_total{${labels}}`));
  return line ? Number(line.split(' ').at(-1)) : 0;
};

describe('an answer', () => {
  for (const status of [200, 201, 202, 302, 400, 401, 404, 409, 418, 422, 429, 502, 504]) {
    test(`of ${status} passes as it is`, async () => {
      gateway.task.otherwise = answer(
        status,
        { message: 'mine' },
        { 'x-mine': '1', 'content-type': 'application/problem+json' },
      );
      const result = await create();
      assert.equal(result.status, status);
      assert.equal(result.bytes.toString(), '{"message":"mine"}');
      assert.equal(result.headers['content-type'], 'application/problem+json');
      assert.equal(result.headers['x-mine'], '1');
      assert.equal(gateway.task.seen.length, 1);
    });
  }

  for (const status of [204, 304]) {
    test(`of ${status} has no body`, async () => {
      gateway.task.otherwise = (_req, res) => res.writeHead(status).end();
      const result = await get();
      assert.equal(result.status, status);
      assert.equal(result.bytes.length, 0);
    });
  }

  for (const status of [500, 501, 505, 507, 599]) {
    test(`of ${status} becomes 502, without what it says, and is not asked for again`, async () => {
      gateway.task.otherwise = answer(status, { secret: 'stack' }, { 'x-secret': '1', 'retry-after': '1' });
      const result = await get();
      expectRefusal(result, 502, 'upstream error', []);
      assert.equal(result.headers['x-secret'], undefined);
      assert.equal(result.headers['retry-after'], undefined);
      assert.equal(gateway.task.seen.length, 1);
    });
  }

  test('that stops half way cuts the connection', async () => {
    gateway.task.otherwise = (req, res) => {
      res.writeHead(200, { 'content-type': 'text/plain', 'content-length': '100' });
      res.write('half', () => req.socket.destroy());
    };
    await assert.rejects(get(), { code: 'ECONNRESET' });
  });

  test('that stalls half way is cut when its time is over', async () => {
    gateway.task.otherwise = (_req, res) => res.writeHead(200, { 'content-length': '100' }).write('half');
    await assert.rejects(get(), { code: 'ECONNRESET' });
  });
});

describe('no answer', () => {
  test('in time is 504, and is not asked for again', async () => {
    gateway.task.otherwise = hang;
    for (const call of [get, create]) {
      gateway.task.seen.length = 0;
      expectRefusal(await call(), 504, 'upstream timeout', []);
      assert.equal(gateway.task.seen.length, 1);
    }
  });

  test('but a cut connection is 502 after three tries of an idempotent request', async () => {
    gateway.task.otherwise = reset;
    expectRefusal(await get(), 502, 'upstream unavailable', []);
    assert.equal(gateway.task.seen.length, 3);
  });

  test('but a cut connection is 502 at once for any other request', async () => {
    gateway.task.otherwise = reset;
    expectRefusal(await create(), 502, 'upstream unavailable', []);
    assert.equal(gateway.task.seen.length, 1);
  });

  test('that is HTTP is 502', async () => {
    gateway.task.otherwise = (req) => req.socket.end('SMTP ready\r\n\r\n');
    expectRefusal(await create(), 502, 'upstream unavailable', []);
  });

  test('because nobody listens is 502', async () => {
    const alone = await runGateway({ UPSTREAM_TASK: await addressOfNobody() });
    expectRefusal(await alone.call({ path: '/v1/task/1' }), 502, 'upstream unavailable', []);
    expectRefusal(
      await alone.send('POST', '/v1/task', { title: 'a', priority: 'low' }),
      502,
      'upstream unavailable',
      [],
    );
    assert.equal(await counterOf('upstream="task",operation="getTask",status="502"', alone), 3);
    assert.equal(await counterOf('upstream="task",operation="createTask",status="502"', alone), 1);
  });
});

describe('a retry', () => {
  test('of 503 gives the first better answer', async () => {
    gateway.task.answers.push(answer(503, {}), reset, answer(200, { third: true }));
    const result = await get();
    assert.equal(result.status, 200);
    assert.deepEqual(result.json, { third: true });
    assert.equal(gateway.task.seen.length, 3);
  });

  test('of 503 gives the last one as it is', async () => {
    gateway.task.otherwise = answer(503, { message: 'full' }, { 'retry-after': '3' });
    const result = await get();
    assert.equal(result.status, 503);
    assert.deepEqual(result.json, { message: 'full' });
    assert.equal(result.headers['retry-after'], '3');
    assert.equal(gateway.task.seen.length, 3);
  });

  test('is made of DELETE, and is the same request', async () => {
    gateway.trade.answers.push(answer(503, {}), answer(503, {}));
    const path = '/v1/trade/trd_000000000001?reason=risk';
    assert.equal((await gateway.call({ method: 'DELETE', path })).status, 200);
    const [first, , third] = gateway.trade.seen;
    assert.deepEqual(third, first);
  });

  test('is not made of POST or PATCH', async () => {
    gateway.task.otherwise = answer(503, {});
    assert.equal((await create()).status, 503);
    const merge = { 'content-type': 'application/merge-patch+json' };
    assert.equal((await gateway.send('PATCH', '/v1/task/1', { title: 'a' }, merge)).status, 503);
    assert.equal(gateway.task.seen.length, 2);
  });

  test('is not made of a body that was streamed', async () => {
    gateway.task.otherwise = answer(503, {});
    assert.equal((await gateway.call({ path: '/v1/task/1', body: 'x' })).status, 503);
    assert.equal(gateway.task.seen.length, 1);
  });

  test('waits up to 25 and 75 ms', () => {
    assert.deepEqual([backoffMs(0, 0), backoffMs(0, 1), backoffMs(1, 1)], [0, 25, 75]);
  });

  test('is decided by method, outcome and count', () => {
    const request = { method: 'GET', replayable: true };
    assert.equal(shouldRetry(request, { status: 503 }, 1), true);
    assert.equal(shouldRetry(request, { status: 503 }, 2), false);
    assert.equal(shouldRetry(request, { status: 502 }, 0), false);
    assert.equal(shouldRetry(request, { failure: 'timeout' }, 0), false);
    for (const method of ['HEAD', 'PUT', 'DELETE']) {
      assert.equal(shouldRetry({ ...request, method }, { failure: 'unavailable' }, 0), true);
    }
    assert.equal(shouldRetry({ ...request, method: 'OPTIONS' }, { failure: 'unavailable' }, 0), false);
  });
});

test('a caller who leaves ends the request to the upstream', async () => {
  const closed = new Promise((resolve) => {
    gateway.task.otherwise = (req) => req.socket.once('close', resolve);
  });
  const head = `GET /v1/task/1 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${gateway.token}\r\n\r\n`;
  const socket = await connect(gateway.address, head);
  await eventually(() => gateway.task.seen.length > 0, 'the upstream sees the request');
  socket.destroy();
  await closed;
});

describe('the breaker', () => {
  const settings = { BREAKER_VOLUME: '4', BREAKER_RESET_MS: '300', UPSTREAM_TIMEOUT_MS: String(TIMEOUT_MS) };
  const failing = [answer(500, {}), answer(502, {}), reset, hang];
  const stateOf = async (of, name) =>
    (await of.metrics())
      .split('\n')
      .find((line) => line.startsWith(`router_breaker_state{upstream="${name}"}`));

  test('opens on failures of the upstream, spares it and the others, and closes again', async () => {
    const own = await runGateway(settings);
    const post = () => own.send('POST', '/v1/task', { title: 'a', priority: 'low' });
    own.task.answers.push(...failing);
    const statuses = [];
    for (const _ of failing) statuses.push((await post()).status);
    assert.deepEqual(statuses, [502, 502, 502, 504]);

    const { length } = own.task.seen;
    const refused = await post();
    expectRefusal(refused, 503, 'upstream circuit open', []);
    assert.equal(refused.headers['retry-after'], '1');
    assert.equal(own.task.seen.length, length);
    assert.equal(await counterOf('upstream="task",operation="createTask",status="503"', own), 1);
    assert.match(await stateOf(own, 'task'), / 2$/);
    assert.match(await stateOf(own, 'trade'), / 0$/);

    const ready = await own.anonymous({ path: '/readyz' });
    expectRefusal(ready, 503, 'not ready', []);
    assert.equal(ready.headers['retry-after'], '1');
    assert.equal((await own.anonymous({ path: '/healthz' })).status, 200);
    assert.equal((await own.call({ path: '/v1/trade' })).status, 200);

    await eventually(async () => / 1$/.test(await stateOf(own, 'task')), 'the breaker is half open');
    assert.equal((await post()).status, 200);
    assert.match(await stateOf(own, 'task'), / 0$/);
    assert.equal((await own.anonymous({ path: '/readyz' })).status, 200);
  });

  test('does not count what the caller did wrong, nor answers below 500', async () => {
    const own = await runGateway(settings);
    own.task.otherwise = answer(409, {});
    for (let i = 0; i < 10; i += 1) await own.call({ path: '/v1/task/1' });
    for (let i = 0; i < 10; i += 1) await own.call({ path: '/v1/task/zero' });
    assert.match(await stateOf(own, 'task'), / 0$/);
    assert.equal((await own.call({ path: '/v1/task/1' })).status, 409);
  });

  test('tells the default time to wait', async () => {
    const own = await runGateway({ BREAKER_VOLUME: '1' });
    own.task.otherwise = answer(500, {});
    await own.call({ path: '/v1/task/1' });
    assert.equal((await own.call({ path: '/v1/task/1' })).headers['retry-after'], '10');
    assert.equal((await own.anonymous({ path: '/readyz' })).headers['retry-after'], '10');
  });
});

test('what neither pool nor queue can take is refused like an open circuit', async () => {
  const own = await runGateway({ UPSTREAM_CONNECTIONS: '1', UPSTREAM_PENDING: '1' });
  const held = [];
  own.task.otherwise = (_req, res) => held.push(() => answer(200, {})(_req, res));
  const first = own.call({ path: '/v1/task/1' });
  await eventually(() => held.length === 1, 'the first request is at the upstream');
  const second = own.call({ path: '/v1/task/2' });
  // Of the second and the third, whichever comes later finds the queue full.
  const third = own.call({ path: '/v1/task/3' });
  const refused = await Promise.race([second, third]);
  expectRefusal(refused, 503, 'upstream circuit open', []);
  own.task.otherwise = answer(200, {});
  held[0]();
  const statuses = (await Promise.all([first, second, third])).map((result) => result.status).sort();
  assert.deepEqual(statuses, [200, 200, 503]);
});

describe('the metrics', () => {
  test('count tries and take their time, by upstream and operation', async () => {
    const own = await runGateway();
    own.trade.answers.push(answer(503, {}), answer(404, {}));
    await own.call({ path: '/v1/trade/trd_000000000001' });
    assert.equal(await counterOf('upstream="trade",operation="getTrade",status="503"', own), 1);
    assert.equal(await counterOf('upstream="trade",operation="getTrade",status="404"', own), 1);
    const text = await own.metrics();
    assert.match(text, /^# TYPE router_upstream_requests_total counter$/m);
    assert.match(text, /^# TYPE router_upstream_request_duration_seconds histogram$/m);
    assert.match(
      text,
      /^router_upstream_request_duration_seconds_count\{upstream="trade",operation="getTrade"\} 2$/m,
    );
    assert.match(text, /^router_breaker_state\{upstream="trade"\} 0$/m);
    assert.match(text, /^nodejs_eventloop_lag_seconds /m);
  });

  test('are not on the port of the gateway', async () => {
    assert.equal((await gateway.call({ path: '/metrics' })).status, 404);
  });
});

// The address of a listener that is gone.
async function addressOfNobody() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

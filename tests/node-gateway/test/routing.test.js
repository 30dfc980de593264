// Which requests belong to an operation, and what the others are told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectPathRefusal } from './support/expect.js';
import { runGateway } from './support/gateway.js';

const gateway = await runGateway();

for (const path of [
  '/',
  '/v1',
  '/v1/tasks',
  '/v1/task/',
  '/v1/Task',
  '/v1/task/1/',
  '/v1//task',
  '/v1/%74ask',
  '/v1/trade/a/b',
]) {
  test(`${path} is not found, whoever asks`, async () => {
    expectPathRefusal(await gateway.anonymous({ path: `${path}?q=1` }), 404, 'not found', path);
  });
}

for (const [method, path, allow] of [
  ['PUT', '/v1/task', 'GET, POST'],
  ['DELETE', '/v1/task/1', 'GET, PATCH'],
  ['GET', '/v1/task/1/complete', 'POST'],
  ['POST', '/v1/trade/trd_000000000001', 'GET, DELETE'],
  ['OPTIONS', '/v1/trade', 'GET, POST'],
  ['POST', '/healthz', 'GET'],
  ['POST', '/readyz', 'GET'],
]) {
  test(`${method} ${path} is not allowed, without a token too`, async () => {
    const answer = await gateway.anonymous({ method, path });
    expectPathRefusal(answer, 405, `${method} method not allowed`, path);
    assert.equal(answer.headers.allow, allow);
    assert.equal(answer.headers['www-authenticate'], undefined);
  });
}

test('HEAD is a method like any other, and its answer has no body', async () => {
  const answer = await gateway.call({ method: 'HEAD', path: '/v1/task' });
  assert.equal(answer.status, 405);
  assert.equal(answer.headers.allow, 'GET, POST');
  assert.equal(answer.bytes.length, 0);
});

test('a path parameter that cannot be decoded is malformed, before method and token are looked at', async () => {
  for (const method of ['GET', 'PUT']) {
    const answer = await gateway.anonymous({ method, path: '/v1/trade/%E0%A4%A' });
    expectPathRefusal(answer, 400, 'malformed uri', '/v1/trade/%E0%A4%A');
  }
});

test('/healthz and /readyz are answered by the gateway, and a token does not matter', async () => {
  for (const headers of [{}, { authorization: 'Bearer nonsense' }, { authorization: 'Bearer a,b' }]) {
    const health = await gateway.anonymous({ path: '/healthz', headers });
    assert.equal(health.status, 200);
    assert.equal(health.bytes.toString(), '{"status":"ok"}');
    assert.equal(health.headers['content-type'], 'application/json; charset=utf-8');
    const ready = await gateway.anonymous({ path: '/readyz', headers });
    assert.equal(ready.bytes.toString(), '{"status":"ready"}');
  }
  assert.equal(gateway.trade.seen.length + gateway.task.seen.length, 0);
});

test('the own operations are held to the contract too', async () => {
  const message = "Unknown query parameter 'verbose'";
  expectPathRefusal(await gateway.anonymous({ path: '/healthz?verbose=1' }), 400, message, '/query/verbose');
});

test('each operation goes to the upstream of its tag', async () => {
  await gateway.call({ path: '/v1/trade/trd_000000000001' });
  await gateway.call({ path: '/v1/task/7' });
  assert.equal(gateway.trade.seen.at(-1).url, '/v1/trade/trd_000000000001');
  assert.equal(gateway.task.seen.at(-1).url, '/v1/task/7');
});

test('no answer names the software', async () => {
  for (const path of ['/healthz', '/nowhere', '/v1/task']) {
    const { headers } = await gateway.call({ path });
    for (const name of ['server', 'x-powered-by', 'etag'])
      assert.equal(headers[name], undefined, `${path} ${name}`);
  }
});

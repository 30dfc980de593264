// What the upstream gets and what the caller gets back: ids, traces, claims, and nothing that is not theirs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { beforeEach, describe, test } from 'node:test';
import { connect } from './support/client.js';
import { runGateway } from './support/gateway.js';
import { answer } from './support/upstream.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

const gateway = await runGateway();
beforeEach(() => gateway.task.reset());

const get = (headers, path = '/v1/task/1') => gateway.call({ path, headers });
const seen = () => gateway.task.seen.at(-1).headers;

describe('the request id', () => {
  for (const id of ['a', 'A.b_c-9', 'x'.repeat(128)]) {
    test(`'${id}' is kept, forwarded and returned`, async () => {
      const { headers } = await get({ 'x-request-id': id });
      assert.equal(headers['x-request-id'], id);
      assert.equal(seen()['x-request-id'], id);
    });
  }

  for (const id of ['', 'a b', 'a/b', 'x'.repeat(129), 'ä', ['one', 'two'], ['one', 'one']]) {
    test(`'${id}' is replaced by a new UUID`, async () => {
      const { headers } = await get({ 'x-request-id': id });
      assert.match(headers['x-request-id'], UUID);
      assert.equal(seen()['x-request-id'], headers['x-request-id']);
    });
  }

  test('of the gateway wins over what the upstream returns', async () => {
    gateway.task.otherwise = answer(200, {}, { 'x-request-id': 'of-the-upstream' });
    assert.equal((await get({ 'x-request-id': 'mine' })).headers['x-request-id'], 'mine');
  });
});

describe('the trace', () => {
  test('of the caller is continued with a new parent', async () => {
    const traceparent = `00-${TRACE}-${PARENT}-00`;
    const { headers } = await get({ traceparent, tracestate: 'vendor=1' });
    assert.match(seen().traceparent, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
    assert.ok(!seen().traceparent.includes(PARENT));
    assert.equal(seen().tracestate, 'vendor=1');
    assert.equal(headers.traceparent, undefined);
  });

  for (const traceparent of [
    undefined,
    '',
    `01-${TRACE}-${PARENT}-01`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-1`,
    `00-${TRACE}-${PARENT}-01-more`,
    [`00-${TRACE}-${PARENT}-01`, `00-${TRACE}-${PARENT}-01`],
  ]) {
    test(`is started where the caller sent ${traceparent}`, async () => {
      await get({ ...(traceparent === undefined ? {} : { traceparent }), tracestate: 'vendor=1' });
      assert.match(seen().traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      assert.ok(!seen().traceparent.includes(TRACE));
      assert.equal(seen().tracestate, undefined);
    });
  }
});

describe('the upstream', () => {
  test('learns who calls from the token alone', async () => {
    await get({ 'x-user-id': 'root', 'X-User-Scopes': 'admin' });
    assert.equal(seen()['x-user-id'], 'trader');
    assert.equal(seen()['x-user-scopes'], 'trade:read trade:write task:read task:write');
    assert.equal(seen().authorization, undefined);
  });

  test('learns nothing where the token does not say', async () => {
    const authorization = `Bearer ${await gateway.issuer.mint({ claims: { sub: undefined } })}`;
    await gateway.anonymous({ path: '/v1/task/1', headers: { authorization, 'x-user-id': 'root' } });
    assert.equal(seen()['x-user-id'], undefined);
  });

  test('gets no hop-by-hop header, nor one that connection names', async () => {
    await get({
      connection: 'close, X-Secret, host, x-user-id, te',
      'x-secret': '1',
      'keep-alive': 'timeout=1',
      te: 'trailers',
      upgrade: 'h2c',
      'proxy-authorization': 'Basic abc',
      'proxy-connection': 'keep-alive',
      'x-kept': '1',
    });
    const { headers } = gateway.task.seen.at(-1);
    for (const name of [
      'x-secret',
      'keep-alive',
      'te',
      'upgrade',
      'proxy-authorization',
      'proxy-connection',
    ]) {
      assert.equal(headers[name], undefined, name);
    }
    assert.equal(headers['x-kept'], '1');
    assert.equal(headers['x-user-id'], 'trader');
    assert.equal(headers.host, gateway.address);
  });

  test('gets all other headers as they came, repeated ones too', async () => {
    await get({
      host: 'api.example',
      accept: 'text/html',
      cookie: 'a=1',
      'accept-encoding': 'br',
      'X-Twice': ['1', '2'],
    });
    const { headers, rawHeaders } = gateway.task.seen.at(-1);
    assert.equal(headers.host, 'api.example');
    assert.equal(headers.accept, 'text/html');
    assert.equal(headers.cookie, 'a=1');
    assert.equal(headers['accept-encoding'], 'br');
    assert.deepEqual(
      rawHeaders.filter((_, i) => rawHeaders[i - 1]?.toLowerCase() === 'x-twice'),
      ['1', '2'],
    );
    for (const name of ['via', 'forwarded', 'x-forwarded-for', 'x-forwarded-proto'])
      assert.equal(headers[name], undefined);
  });

  test('gets one host and the one content type that was checked', async () => {
    const body = '{"title":"a","priority":"low"}';
    const head = [
      'POST /v1/task HTTP/1.1',
      'host: one',
      'host: two',
      'content-type: application/json',
      'content-type: text/plain',
      `authorization: Bearer ${gateway.token}`,
      `content-length: ${body.length}`,
      'connection: close',
    ];
    const socket = await connect(gateway.address, `${head.join('\r\n')}\r\n\r\n${body}`);
    const [chunk] = await once(socket, 'data');
    socket.destroy();
    assert.match(chunk.toString(), /^HTTP\/1.1 200 /);
    const { rawHeaders } = gateway.task.seen.at(-1);
    const values = (name) =>
      rawHeaders.filter((_, i) => rawHeaders[i - 1]?.toLowerCase() === name && i % 2 === 1);
    assert.deepEqual(values('host'), ['one']);
    assert.deepEqual(values('content-type'), ['application/json']);
  });

  test('gets large headers, and may send such', async () => {
    gateway.task.otherwise = answer(200, {}, { 'x-large': 'b'.repeat(40_000) });
    const { headers } = await get({ 'x-large': 'a'.repeat(40_000) });
    assert.equal(headers['x-large'].length, 40_000);
  });
});

describe('the caller', () => {
  test('gets the headers of the upstream but the hop-by-hop ones and the name of its software', async () => {
    gateway.task.otherwise = answer(
      200,
      {},
      {
        connection: 'x-internal',
        'x-internal': '1',
        'keep-alive': 'timeout=99',
        'proxy-authenticate': 'Basic',
        upgrade: 'h2c',
        server: 'task/1.0',
        'x-powered-by': 'steam',
        'set-cookie': ['a=1', 'b=2'],
        location: '/v1/task/9',
        etag: '"v1"',
        date: 'Thu, 01 Jan 1970 00:00:00 GMT',
      },
    );
    const { headers } = await get({});
    for (const name of ['x-internal', 'proxy-authenticate', 'upgrade', 'server', 'x-powered-by']) {
      assert.equal(headers[name], undefined, name);
    }
    assert.notEqual(headers['keep-alive'], 'timeout=99');
    assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2']);
    assert.equal(headers.location, '/v1/task/9');
    assert.equal(headers.etag, '"v1"');
    assert.equal(headers.date, 'Thu, 01 Jan 1970 00:00:00 GMT');
  });
});

describe('the query', () => {
  for (const [sent, forwarded] of [
    ['/v1/task', '/v1/task?limit=20&offset=0'],
    ['/v1/task?', '/v1/task?limit=20&offset=0'],
    ['/v1/task?state=todo', '/v1/task?state=todo&limit=20&offset=0'],
    ['/v1/task?offset=5', '/v1/task?offset=5&limit=20'],
    ['/v1/task?limit=5&offset=5', '/v1/task?limit=5&offset=5'],
    ['/v1/task?%6Cimit=5', '/v1/task?%6Cimit=5&offset=0'],
    ['/v1/task?limit=%35&&', '/v1/task?limit=%35&&&offset=0'],
    ['/v1/task/1?', '/v1/task/1?'],
  ]) {
    test(`of ${sent} arrives as ${forwarded}`, async () => {
      await get({}, sent);
      assert.equal(gateway.task.seen.at(-1).url, forwarded);
    });
  }
});

describe('the log', () => {
  test('has one line for a request, with its operation and trace and without its secrets', async () => {
    gateway.task.otherwise = answer(200, {}, { 'set-cookie': 'session=secret' });
    const { length } = gateway.lines;
    await get({
      'x-request-id': 'logged',
      traceparent: `00-${TRACE}-${PARENT}-01`,
      cookie: 'session=secret',
    });
    assert.equal(gateway.lines.length, length + 1);
    const line = gateway.lines.at(-1);
    assert.equal(line.req.id, 'logged');
    assert.equal(line.req.method, 'GET');
    assert.equal(line.req.url, '/v1/task/1');
    assert.equal(line.res.statusCode, 200);
    assert.equal(line.operation, 'getTask');
    assert.equal(line.upstream, 'task');
    assert.equal(line.traceId, TRACE);
    assert.equal(typeof line.responseTime, 'number');
    assert.ok(!JSON.stringify(line).includes(gateway.token));
    assert.ok(!JSON.stringify(line).includes('session=secret'));
  });
});

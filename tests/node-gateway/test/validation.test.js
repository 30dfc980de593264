// The texts of express-openapi-validator, for each rule that the contract uses.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { expectPathRefusal, expectRefusal } from './support/expect.js';
import { runGateway } from './support/gateway.js';

const KEY = { 'idempotency-key': '5f0c2f1e-8a41-4f0e-9d0e-1d7c1a1f0a11' };
const ORDER = { type: 'market', symbol: 'ACME', side: 'buy', quantity: 10 };
const TASK = { title: 'a', priority: 'high' };

const gateway = await runGateway();
beforeEach(() => {
  gateway.task.reset();
  gateway.trade.reset();
});

// An entry of a schema error: `rule` is the JSON Schema keyword.
const entry = (path, message, rule) => ({ path, message, errorCode: `${rule}.openapi.validation` });

async function expectSchemaError(answer, text, ...errors) {
  expectRefusal(await answer, 400, text, errors);
  assert.equal(gateway.task.seen.length + gateway.trade.seen.length, 0);
}

describe('a parameter', () => {
  for (const [path, at, message, rule] of [
    ['/v1/task?limit=0', '/query/limit', 'must be >= 1', 'minimum'],
    ['/v1/task?limit=%20', '/query/limit', 'must be >= 1', 'minimum'],
    ['/v1/task?limit=101', '/query/limit', 'must be <= 100', 'maximum'],
    ['/v1/task?limit=ten', '/query/limit', 'must be integer', 'type'],
    ['/v1/task?limit=1.5', '/query/limit', 'must be integer', 'type'],
    ['/v1/task?limit=1&limit=2', '/query/limit', 'must be integer', 'type'],
    ['/v1/task?limit=%zz', '/query/limit', 'must be integer', 'type'],
    ['/v1/task?offset=2147483648', '/query/offset', 'must match format "int32"', 'format'],
    ['/v1/task?offset=-1', '/query/offset', 'must be >= 0', 'minimum'],
    [
      '/v1/task?state=late',
      '/query/state',
      'must be equal to one of the allowed values: todo, doing, done',
      'enum',
    ],
    ['/v1/task?overdue=1', '/query/overdue', 'must be boolean', 'type'],
    ['/v1/task?dueBefore=soon', '/query/dueBefore', 'must match format "date"', 'format'],
    ['/v1/task?label=a&label=B', '/query/label/1', 'must match pattern "^[a-z][a-z0-9-]*$"', 'pattern'],
    ['/v1/task?label=&label=a', '/query/label/0', 'must NOT have fewer than 1 characters', 'minLength'],
    [
      '/v1/task?label=a&label=b&label=c&label=d&label=e&label=f',
      '/query/label',
      'must NOT have more than 5 items',
      'maxItems',
    ],
    [
      '/v1/trade?status=open&status=open',
      '/query/status',
      'must NOT have duplicate items (items ## 0 and 1 are identical)',
      'uniqueItems',
    ],
    [
      '/v1/trade?fields=id,x',
      '/query/fields/1',
      'must be equal to one of the allowed values: id, symbol, side, quantity, status, createdAt',
      'enum',
    ],
    ['/v1/trade?minQuantity=0', '/query/minQuantity', 'must be > 0', 'exclusiveMinimum'],
    ['/v1/trade?from=today', '/query/from', 'must match format "date-time"', 'format'],
    ['/v1/trade?symbol=acme', '/query/symbol', 'must match pattern "^[A-Z]{1,8}$"', 'pattern'],
    ['/v1/trade?symbol=A&symbol=B', '/query/symbol', 'must be string', 'type'],
    ['/v1/trade/trd_1', '/params/tradeId', 'must match pattern "^trd_[0-9a-f]{12}$"', 'pattern'],
    ['/v1/task/0', '/params/taskId', 'must be >= 1', 'minimum'],
    ['/v1/task/one', '/params/taskId', 'must be integer', 'type'],
  ]) {
    test(`${path} ${message}`, () =>
      expectSchemaError(gateway.call({ path }), `request${at} ${message}`, entry(at, message, rule)));
  }

  for (const [path, name] of [
    ['/v1/task?limit=', 'limit'],
    ['/v1/task?limit', 'limit'],
    ['/v1/task?label=', 'label'],
    ['/v1/trade?fields=', 'fields'],
  ]) {
    test(`${path} is empty`, async () => {
      const message = `Empty value found for query parameter '${name}'`;
      expectPathRefusal(await gateway.call({ path }), 400, message, `/query/${name}`);
    });
  }

  for (const [query, name] of [
    ['q=1', 'q'],
    ['limit=0&q=1', 'q'],
    ['Limit=1', 'Limit'],
    ['%71=', 'q'],
    ['status[]=open', 'status[]'],
    ['fields[a]=id', 'fields[a]'],
    ['__proto__=1', '__proto__'],
  ]) {
    test(`?${query} is unknown`, async () => {
      const message = `Unknown query parameter '${name}'`;
      expectPathRefusal(await gateway.call({ path: `/v1/trade?${query}` }), 400, message, `/query/${name}`);
    });
  }

  for (const [query, name] of [
    ['from=2024-03-01T00:00:00Z', 'from'],
    ['status=open,filled', 'status'],
    ['symbol=A+B', 'symbol'],
    ['fields=id,a:b', 'fields'],
    ['q=1&symbol=A@B', 'symbol'],
  ]) {
    test(`?${query} is to be encoded`, async () => {
      const message = `Parameter '${name}' must be url encoded. Its value may not contain reserved characters.`;
      expectPathRefusal(await gateway.call({ path: `/v1/trade?${query}` }), 400, message, `/query/${name}`);
    });
  }

  for (const path of [
    '/v1/task?limit=1e1',
    '/v1/task?limit=0x10',
    '/v1/task?limit=%205',
    '/v1/task?limit=5%0a',
    '/v1/task?limit=Infinity&offset=1e400',
    '/v1/task/+1',
    '/v1/task?overdue=true&dueBefore=2024-02-31',
    '/v1/task/1.0',
    '/v1/task/99999999999999999999',
    '/v1/trade?status=open&status=filled&fields=id,side',
    '/v1/trade?fields=id%2Cside',
    '/v1/trade?fields=id&fields=side',
    '/v1/trade?from=2024-03-01T00%3A00%3A00Z&minQuantity=.5',
  ]) {
    test(`${path} is fine`, async () => assert.equal((await gateway.call({ path })).status, 200));
  }
});

describe('a header', () => {
  test('that is required must be there', () => {
    const message = "must have required property 'idempotency-key'";
    const error = entry('/headers/idempotency-key', message, 'required');
    return expectSchemaError(gateway.send('POST', '/v1/trade', ORDER), `request/headers ${message}`, error);
  });

  test('must have its format', () => {
    const message = 'must match format "uuid"';
    const error = entry('/headers/idempotency-key', message, 'format');
    const answer = gateway.send('POST', '/v1/trade', ORDER, { 'idempotency-key': 'x' });
    return expectSchemaError(answer, `request/headers/idempotency-key ${message}`, error);
  });
});

describe('a task', () => {
  for (const [change, at, message, rule, where = at] of [
    [{ title: undefined }, '/body', "must have required property 'title'", 'required', '/body/title'],
    [{ title: '' }, '/body/title', 'must NOT have fewer than 1 characters', 'minLength'],
    [{ title: 'a'.repeat(121) }, '/body/title', 'must NOT have more than 120 characters', 'maxLength'],
    [{ title: 5, priority: 'x' }, '/body/title', 'must be string', 'type'],
    [
      { priority: 'x' },
      '/body/priority',
      'must be equal to one of the allowed values: low, normal, high',
      'enum',
    ],
    [{ description: 5 }, '/body/description', 'must be string,null', 'type'],
    [{ dueAt: 'soon' }, '/body/dueAt', 'must match format "date-time"', 'format'],
    [{ assignee: 'me' }, '/body/assignee', 'must match format "email"', 'format'],
    [
      { labels: ['a', 'a'] },
      '/body/labels',
      'must NOT have duplicate items (items ## 0 and 1 are identical)',
      'uniqueItems',
    ],
    [
      { checklist: [{ text: 'a' }, {}] },
      '/body/checklist/1',
      "must have required property 'text'",
      'required',
      '/body/checklist/1/text',
    ],
    [{ attributes: { a: 1 } }, '/body/attributes/a', 'must be string', 'type'],
    [{ 'a/b': 1 }, '/body', 'must NOT have additional properties', 'additionalProperties', '/body/a/b'],
  ]) {
    test(`${JSON.stringify(change).slice(0, 50)} ${message}`, () => {
      const answer = gateway.send('POST', '/v1/task', { ...TASK, ...change });
      return expectSchemaError(answer, `request${at} ${message}`, entry(where, message, rule));
    });
  }

  test('of a list is no object', () =>
    expectSchemaError(
      gateway.send('POST', '/v1/task', []),
      'request/body must be object',
      entry('/body', 'must be object', 'type'),
    ));

  test('is not coerced', () => {
    const answer = gateway.send('POST', '/v1/task/1/complete', { minutesSpent: '5' });
    return expectSchemaError(
      answer,
      'request/body/minutesSpent must be integer',
      entry('/body/minutesSpent', 'must be integer', 'type'),
    );
  });

  test('may have its nullable fields null', async () => {
    const task = { ...TASK, description: null, dueAt: null, assignee: null };
    assert.equal((await gateway.send('POST', '/v1/task', task)).status, 200);
  });

  test('patch must change something', () => {
    const message = 'must NOT have fewer than 1 properties';
    const answer = gateway.send(
      'PATCH',
      '/v1/task/1',
      {},
      { 'content-type': 'application/merge-patch+json' },
    );
    return expectSchemaError(answer, `request/body ${message}`, entry('/body', message, 'minProperties'));
  });
});

describe('an order', () => {
  const place = (order, headers = KEY) => gateway.send('POST', '/v1/trade', order, headers);

  for (const order of [{}, [], { type: 'other' }, { type: null }, '']) {
    test(`of ${JSON.stringify(order)} has no known type`, async () => {
      const message = "'type' must be equal to one of the allowed values: market, limit, stop.";
      expectPathRefusal(await place(order), 400, message, '/v1/trade');
    });
  }

  // The validator checks an order against the schema that its type names, and says paths from there.
  for (const [change, at, message, rule, where = at] of [
    [{ symbol: undefined }, '', "must have required property 'symbol'", 'required', '/symbol'],
    [{ extra: 1 }, '', 'must NOT have additional properties', 'additionalProperties', '/extra'],
    [{ symbol: 'acme' }, '/symbol', 'must match pattern "^[A-Z]{1,8}$"', 'pattern'],
    [{ quantity: 1.5 }, '/quantity', 'must be integer', 'type'],
    [{ clientRef: 5 }, '/clientRef', 'must be string,null', 'type'],
    [{ type: 'limit' }, '', "must have required property 'limitPrice'", 'required', '/limitPrice'],
    [{ type: 'limit', limitPrice: 0 }, '/limitPrice', 'must be > 0', 'exclusiveMinimum'],
  ]) {
    test(`${JSON.stringify(change)} ${message}`, () =>
      expectSchemaError(
        place({ ...ORDER, ...change }),
        `request${at} ${message}`,
        entry(where, message, rule),
      ));
  }

  test('and its parameters are judged apart, and said in one answer', () => {
    const header = "must have required property 'idempotency-key'";
    return expectSchemaError(
      place({ ...ORDER, quantity: 0 }, {}),
      `request/headers ${header}, request/quantity must be >= 1`,
      entry('/headers/idempotency-key', header, 'required'),
      entry('/quantity', 'must be >= 1', 'minimum'),
    );
  });

  for (const order of [
    ORDER,
    { ...ORDER, clientRef: null },
    { ...ORDER, type: 'limit', limitPrice: 1.5, timeInForce: 'GTC', expiresAt: null },
    { ...ORDER, type: 'stop', stopPrice: 2 },
  ]) {
    test(`${JSON.stringify(order)} is fine`, async () => assert.equal((await place(order)).status, 200));
  }
});

describe('the first check that fails decides', () => {
  const bad = {
    method: 'POST',
    path: '/v1/task?limit=0',
    body: '{',
    headers: { 'content-type': 'text/plain' },
  };
  const withToken = (headers) => ({ authorization: `Bearer ${gateway.token}`, ...headers });
  const huge = { 'content-length': String(2 ** 21) };

  for (const [what, request, status] of [
    ['the path, then the method', { ...bad, method: 'POST', path: '/nowhere' }, 404],
    ['the method, then the token', { ...bad, method: 'PUT' }, 405],
    ['the token, then the length', { ...bad, headers: { 'content-type': 'text/plain' } }, 401],
    ['the media type, then the JSON', { ...bad, headers: withToken(bad.headers) }, 415],
    ['the JSON, then the query', { ...bad, headers: withToken({ 'content-type': 'application/json' }) }, 400],
  ]) {
    test(what, async () => assert.equal((await gateway.anonymous(request)).status, status));
  }

  test('the length, then the media type', async () => {
    const request = { ...bad, body: ' '.repeat(2 ** 21), headers: withToken({ ...bad.headers, ...huge }) };
    assert.equal((await gateway.anonymous(request)).status, 413);
  });

  test('malformed JSON is said before an unknown parameter', async () => {
    const answer = await gateway.send('POST', '/v1/task?q=1', '{');
    expectPathRefusal(answer, 400, 'malformed JSON body', '/v1/task');
  });
});

// Which answers are compressed, and what is said about it.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { runGateway } from './support/gateway.js';
import { answer } from './support/upstream.js';

const gateway = await runGateway();
beforeEach(() => gateway.task.reset());

const get = (acceptEncoding) =>
  gateway.call({
    path: '/v1/task/1',
    headers: acceptEncoding === undefined ? {} : { 'accept-encoding': acceptEncoding },
  });
// JSON of exactly `size` bytes.
const json = (size) => 'x'.repeat(size - 2);

describe('the size', () => {
  for (const [size, encoding] of [
    [1023, undefined],
    [1024, 'gzip'],
    [100_000, 'gzip'],
  ]) {
    test(`of ${size} bytes gives ${encoding}`, async () => {
      gateway.task.otherwise = answer(200, json(size));
      const result = await get('gzip');
      assert.equal(result.headers['content-encoding'], encoding);
      assert.equal(result.headers['content-length'], encoding ? undefined : String(size));
      assert.equal(result.headers.vary, 'Accept-Encoding');
      const plain = encoding ? gunzipSync(result.bytes) : result.bytes;
      assert.equal(plain.toString(), `"${json(size)}"`);
    });
  }

  test('that the upstream does not say counts as large', async () => {
    gateway.task.otherwise = (_req, res) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      res.write('{');
      res.end('}');
    };
    const result = await get('gzip');
    assert.equal(result.headers['content-encoding'], 'gzip');
    assert.equal(gunzipSync(result.bytes).toString(), '{}');
  });
});

describe('accept-encoding', () => {
  for (const [sent, encoding] of [
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['br', undefined],
    ['deflate, br', undefined],
    ['gzip;q=0', undefined],
    ['*;q=0', undefined],
    ['gzip;q=0.5, identity', undefined],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['gzip, deflate, br, zstd', 'gzip'],
    ['br;q=1, gzip;q=0.1', 'gzip'],
    ['identity, gzip', 'gzip'],
    ['*', 'gzip'],
  ]) {
    test(`'${sent}' gives ${encoding}`, async () => {
      gateway.task.otherwise = answer(200, json(2000));
      const result = await get(sent);
      assert.equal(result.headers['content-encoding'], encoding);
      assert.equal(result.headers.vary, 'Accept-Encoding');
    });
  }
});

describe('the kind of answer', () => {
  for (const [type, encoding] of [
    ['text/plain', 'gzip'],
    ['application/problem+json', 'gzip'],
    ['image/png', undefined],
    ['application/octet-stream', 'gzip'],
    ['application/zip', undefined],
  ]) {
    test(`${type} gives ${encoding}`, async () => {
      gateway.task.otherwise = answer(200, json(2000), { 'content-type': type });
      const result = await get('gzip');
      assert.equal(result.headers['content-encoding'], encoding);
      assert.equal(result.headers.vary, encoding ? 'Accept-Encoding' : undefined);
    });
  }

  test('that is encoded already stays as it is', async () => {
    gateway.task.otherwise = answer(200, json(2000), { 'content-encoding': 'br' });
    const result = await get('gzip');
    assert.equal(result.headers['content-encoding'], 'br');
    assert.equal(result.bytes.length, 2000);
    assert.equal(result.headers.vary, 'Accept-Encoding');
  });

  test('that must not be transformed is not', async () => {
    gateway.task.otherwise = answer(200, json(2000), { 'cache-control': 'no-transform' });
    const result = await get('gzip');
    assert.equal(result.headers['content-encoding'], undefined);
    assert.equal(result.headers.vary, undefined);
  });

  test('keeps what it varies by', async () => {
    gateway.task.otherwise = answer(200, json(2000), { vary: 'Origin' });
    assert.equal((await get('gzip')).headers.vary, 'Origin, Accept-Encoding');
  });

  test('of the gateway itself varies too', async () => {
    assert.equal((await gateway.anonymous({ path: '/nowhere' })).headers.vary, 'Accept-Encoding');
    assert.equal((await gateway.anonymous({ path: '/healthz' })).headers.vary, 'Accept-Encoding');
  });
});

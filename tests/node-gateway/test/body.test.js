// How a body is taken: its length, its media type, its JSON; and that its bytes go on untouched.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { beforeEach, describe, test } from 'node:test';
import { body } from '../src/middleware/body.js';
import { call, connect } from './support/client.js';
import { eventually, expectPathRefusal, expectRefusal } from './support/expect.js';
import { runGateway } from './support/gateway.js';

const MIB = 1024 * 1024;
const TASK = { title: 'a', priority: 'high' };

const gateway = await runGateway();
beforeEach(() => gateway.task.reset());

const create = (body, headers) => gateway.send('POST', '/v1/task', body, headers);
const createTyped = (type) => create(TASK, { 'content-type': type });
const arrived = () => gateway.task.seen.at(-1);

describe('a body', () => {
  test('goes upstream byte for byte, with its type and length', async () => {
    const text = '\n{ "title": "\\u0061é",\t"priority":"low", "priority":"high" }\n';
    const type = 'Application/JSON; charset="UTF-8"; x=y';
    assert.equal((await create(text, { 'content-type': type })).status, 200);
    assert.equal(arrived().body.toString(), text);
    assert.equal(arrived().headers['content-type'], type);
    assert.equal(arrived().headers['content-length'], String(Buffer.byteLength(text)));
  });

  test('that comes in chunks goes upstream with its length', async () => {
    const headers = {
      authorization: `Bearer ${gateway.token}`,
      'content-type': 'application/json',
      trailer: 'x-sum',
      expect: '100-continue',
    };
    const text = JSON.stringify(TASK);
    const request = { method: 'POST', path: '/v1/task', headers, body: text, chunked: true };
    assert.equal((await call(gateway.address, request)).status, 200);
    assert.equal(arrived().headers['content-length'], String(text.length));
    for (const name of ['transfer-encoding', 'trailer', 'expect']) {
      assert.equal(arrived().headers[name], undefined, name);
    }
    assert.equal(arrived().body.toString(), text);
  });

  test('may begin with a byte order mark', async () => {
    const text = `\ufeff${JSON.stringify(TASK)}`;
    assert.equal((await create(text)).status, 200);
    assert.equal(arrived().body.toString(), text);
  });

  for (const body of [
    '{',
    '{"title":"a",}',
    '"text"',
    '1',
    'true',
    'null',
    ' ',
    '{} x',
    "{'a':1}",
    '[1,]',
    'NaN',
  ]) {
    test(`of ${body} is malformed`, async () => {
      expectPathRefusal(await create(body), 400, 'malformed JSON body', '/v1/task');
    });
  }

  test('that is not UTF-8 is malformed', async () => {
    const latin1 = Buffer.from('{"title":"é","priority":"high"}', 'latin1');
    expectPathRefusal(await create(latin1), 400, 'malformed JSON body', '/v1/task');
  });

  test('of nothing is an empty object, whether its length is said or not', async () => {
    const message = "must have required property 'title'";
    const errors = [{ path: '/body/title', message, errorCode: 'required.openapi.validation' }];
    const headers = { 'content-type': 'application/json' };
    for (const answer of [
      await gateway.call({ method: 'POST', path: '/v1/task', headers }),
      await gateway.call({ method: 'POST', path: '/v1/task', headers, body: '' }),
      await gateway.call({ method: 'POST', path: '/v1/task', headers, body: '', chunked: true }),
    ]) {
      expectRefusal(answer, 400, `request/body ${message}`, errors);
    }
  });
});

describe('the size', () => {
  const padded = (size) => JSON.stringify(TASK).padEnd(size);

  test('may be 1 MiB', async () => {
    assert.equal((await create(padded(MIB))).status, 200);
    assert.equal(arrived().body.length, MIB);
  });

  test('is refused by the length that is declared, before the type is looked at', async () => {
    const headers = { 'content-type': 'text/plain', 'content-length': String(MIB + 1) };
    const lines = Object.entries({ host: 'a', authorization: `Bearer ${gateway.token}`, ...headers });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    // Not one byte of the body is sent: the answer does not wait for it.
    const socket = await connect(gateway.address, `POST /v1/task HTTP/1.1\r\n${head}\r\n`);
    const text = await answerText(socket);
    assert.match(text, /^HTTP\/1.1 413 /);
    assert.match(text, /"message":"request entity too large","errors":\[\{"path":"\/v1\/task"/);
  });

  test('is refused while the body streams, without waiting for its end', async () => {
    const head = `host: a\r\nauthorization: Bearer ${gateway.token}\r\ncontent-type: application/json\r\n`;
    const socket = await connect(
      gateway.address,
      `POST /v1/task HTTP/1.1\r\n${head}transfer-encoding: chunked\r\n\r\n${(MIB + 1).toString(16)}\r\n`,
    );
    socket.write(Buffer.alloc(MIB + 1, 32));
    assert.match(await answerText(socket), /^HTTP\/1.1 413 .*"message":"request entity too large"/s);
  });

  test('does not matter where the contract knows of no body', async () => {
    const body = Buffer.alloc(MIB + 1, 1);
    const answer = await gateway.call({ method: 'DELETE', path: '/v1/trade/trd_000000000001', body });
    assert.equal(answer.status, 200);
    assert.equal(gateway.trade.seen.at(-1).body.length, MIB + 1);
  });
});

describe('the media type', () => {
  for (const type of ['application/json', 'APPLICATION/JSON ; charset=utf-8', 'application/json;a=b']) {
    test(`${type} is taken`, async () => assert.equal((await createTyped(type)).status, 200));
  }

  for (const [type, said] of [
    ['text/plain', 'text/plain'],
    ['Text/Plain; Charset=ISO-8859-1', 'text/plain; charset=iso-8859-1'],
    ['text/plain; b=2; A=1; boundary=x', 'text/plain; a=1; b=2'],
    ['application/merge-patch+json', 'application/merge-patch+json'],
    ['application/*', 'application/*'],
    ['application/json, text/plain', 'application/json, text/plain'],
    ['multipart/form-data; boundary=x', 'multipart/form-data'],
    ['json', 'json'],
  ]) {
    test(`${type} is not`, async () => {
      expectPathRefusal(await createTyped(type), 415, `unsupported media type ${said}`, '/v1/task');
    });
  }

  test('must be there', async () => {
    const message = 'media type not specified';
    for (const type of ['', ' ', ';charset=utf-8']) {
      expectPathRefusal(await createTyped(type), 415, message, '/v1/task');
    }
    expectPathRefusal(await gateway.call({ method: 'POST', path: '/v1/task' }), 415, message, '/v1/task');
  });

  test('is said with the path of the request', async () => {
    const message = 'unsupported media type application/json';
    expectPathRefusal(await gateway.send('PATCH', '/v1/task/17', {}), 415, message, '/v1/task/17');
  });

  test('must be UTF-8 and not be encoded', async () => {
    expectPathRefusal(
      await createTyped('application/json; charset=latin1'),
      415,
      'unsupported charset "LATIN1"',
      '/v1/task',
    );
    const encoded = await create(TASK, { 'content-encoding': 'gzip' });
    expectPathRefusal(encoded, 415, 'content encoding unsupported', '/v1/task');
    assert.equal((await create(TASK, { 'content-encoding': 'Identity' })).status, 200);
  });
});

describe('a body that may be left out', () => {
  const complete = (body, headers = {}) =>
    gateway.call({ method: 'POST', path: '/v1/task/1/complete', body, headers });

  test('is', async () => {
    assert.equal((await complete()).status, 200);
    assert.equal(arrived().body.length, 0);
  });

  test('is checked like any other when its type is said', async () => {
    const answer = await complete('{"minutesSpent":7}', { 'content-type': 'application/json' });
    const message = 'must be multiple of 5';
    const errors = [{ path: '/body/minutesSpent', message, errorCode: 'multipleOf.openapi.validation' }];
    expectRefusal(answer, 400, `request/body/minutesSpent ${message}`, errors);
    const other = await complete('{}', { 'content-type': 'text/plain' });
    expectPathRefusal(other, 415, 'unsupported media type text/plain', '/v1/task/1/complete');
  });

  test('goes on unread when its type is not said', async () => {
    assert.equal((await complete('{nonsense')).status, 200);
    assert.equal(arrived().body.toString(), '{nonsense');
  });
});

describe('a body that the contract does not know', () => {
  test('flows through as it is, whatever its type', async () => {
    for (const chunked of [false, true]) {
      const answer = await gateway.call({
        path: '/v1/task/1',
        headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' },
        body: '{nonsense',
        chunked,
      });
      assert.equal(answer.status, 200);
      assert.equal(arrived().body.toString(), '{nonsense');
      assert.equal(arrived().headers['content-type'], 'text/plain');
    }
  });
});

test('parameters of the media type do not reach the validator, which keeps what it compiles for each', async () => {
  const take = body(MIB);
  const operation = { requestBody: { required: true, content: { 'application/json': { schema: {} } } } };
  for (const type of ['application/json; v=1', 'application/json; v=2']) {
    const req = Object.assign(Readable.from([Buffer.from('{}')]), {
      headers: { 'content-type': type },
      originalUrl: '/v1/task',
      operation,
    });
    await new Promise((resolve, reject) => take(req, {}, resolve).catch(reject));
    assert.equal(req.headers['content-type'], 'application/json');
  }
});

test('a caller who leaves while the body streams leaves no trace upstream', async () => {
  const { length } = gateway.lines;
  const head = `host: a\r\nauthorization: Bearer ${gateway.token}\r\ncontent-type: application/json\r\n`;
  const socket = await connect(
    gateway.address,
    `POST /v1/task HTTP/1.1\r\n${head}content-length: 99\r\n\r\n{`,
  );
  socket.destroy();
  await eventually(() => gateway.lines.length > length, 'the request is logged');
  assert.equal(gateway.task.seen.length, 0);
});

// All that comes until the answer is complete.
async function answerText(socket) {
  let text = '';
  for await (const chunk of socket) {
    text += chunk;
    if (text.endsWith('}')) break;
  }
  socket.destroy();
  return text;
}

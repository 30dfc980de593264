// Who gets in, with which token, and what the others are told (RFC 6750, RFC 8725).
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, test } from 'node:test';
import { expectPathRefusal } from './support/expect.js';
import { runGateway } from './support/gateway.js';
import { AUDIENCE, ISSUER, inSeconds } from './support/keys.js';

const PATH = '/v1/task/1';
const gateway = await runGateway();
beforeEach(() => gateway.task.reset());

const withHeader = (authorization, path = PATH) => gateway.anonymous({ path, headers: { authorization } });
const withToken = async (options, path) => withHeader(`Bearer ${await gateway.issuer.mint(options)}`, path);

function expectDenied(answer, status, message, challenge, path = PATH) {
  expectPathRefusal(answer, status, message, path);
  assert.equal(answer.headers['www-authenticate'], challenge);
  assert.equal(gateway.task.seen.length, 0);
}
const expectRequired = (answer) =>
  expectDenied(answer, 401, 'Authorization header required', 'Bearer realm="gateway"');
const expectBad = (answer) =>
  expectDenied(answer, 401, 'unauthorized', 'Bearer realm="gateway", error="invalid_token"');
const expectMultiple = (answer) =>
  expectDenied(answer, 400, 'multiple tokens', 'Bearer realm="gateway", error="invalid_request"');

describe('the header', () => {
  test('must be there', async () => expectRequired(await gateway.anonymous({ path: PATH })));

  for (const header of [
    'Basic dXNlcjpwYXNz',
    'Bearer',
    'Bearer ',
    'Token abc',
    'Bearerx abc',
    'Basic a,b',
    '',
  ]) {
    test(`'${header}' is no bearer token`, async () => expectRequired(await withHeader(header)));
  }

  for (const scheme of ['bearer', 'BEARER', 'bEaReR', 'Bearer  ']) {
    test(`takes '${scheme}' for the scheme`, async () => {
      assert.equal((await withHeader(`${scheme} ${gateway.token}`)).status, 200);
    });
  }

  test('must not be repeated, whatever it holds', async () => {
    expectMultiple(await withHeader([`Bearer ${gateway.token}`, `Bearer ${gateway.token}`]));
    expectMultiple(await withHeader(['Basic abc', `Bearer ${gateway.token}`]));
  });

  test('must not hold a list', async () => {
    expectMultiple(await withHeader(`Bearer ${gateway.token},${gateway.token}`));
    expectMultiple(await withHeader(`Bearer ${gateway.token}, Bearer ${gateway.token}`));
  });
});

describe('a good token', () => {
  for (const kid of ['rsa', 'ec', 'ed', 'hmac']) {
    test(`is one signed with the key ${kid}`, async () => {
      assert.equal((await withToken({ kid })).status, 200);
    });

    test(`may leave the name of the key ${kid} out while its algorithm has one key only`, async () => {
      assert.equal((await withToken({ kid, header: { kid: undefined } })).status, 200);
    });
  }

  for (const [what, claims] of [
    ['names several audiences', { aud: ['other', AUDIENCE] }],
    ['ended less than the leeway ago', { exp: inSeconds(-2) }],
    ['begins within the leeway', { nbf: inSeconds(3), iat: inSeconds(3) }],
    ['has no iat', { iat: undefined }],
  ]) {
    test(`is one that ${what}`, async () => assert.equal((await withToken({ claims })).status, 200));
  }

  test('may be of any type', async () => {
    for (const typ of [undefined, 'at+jwt', 'banana']) {
      assert.equal((await withToken({ header: { typ } })).status, 200);
    }
  });

  test('may be 8 KiB long', async () => {
    const token = await gateway.issuer.mint({ claims: { padding: 'x'.repeat(5000) } });
    assert.ok(token.length > 6000 && token.length <= 8192);
    assert.equal((await withHeader(`Bearer ${token}`)).status, 200);
  });
});

describe('a bad token', () => {
  for (const [what, options] of [
    ['has expired', { claims: { exp: inSeconds(-10) } }],
    ['never expires', { claims: { exp: undefined } }],
    ['has a textual exp', { claims: { exp: '2999' } }],
    ['is not valid yet', { claims: { nbf: inSeconds(60) } }],
    ['was issued in the future', { claims: { iat: inSeconds(60) } }],
    ['has a textual iat', { claims: { iat: 'now' } }],
    ['comes from another issuer', { claims: { iss: `${ISSUER}/` } }],
    ['names no issuer', { claims: { iss: undefined } }],
    ['is for another audience', { claims: { aud: 'gateway2' } }],
    ['is for a list of other audiences', { claims: { aud: ['a', 'b'] } }],
    ['names no audience', { claims: { aud: undefined } }],
    ['names an unknown key', { header: { kid: 'nobody' } }],
    ['names the key of another algorithm', { kid: 'hmac', header: { kid: 'rsa' } }],
    ['names a key by a number', { header: { kid: 1 } }],
    ['is signed by another key', { key: Buffer.alloc(32, 1) }],
    ['has critical headers', { header: { crit: ['x'], x: 1 } }],
    ['has a sub that is no string', { claims: { sub: 7 } }],
    ['has a sub that no header can carry', { claims: { sub: 'a\r\nx-user-scopes: admin' } }],
    ['has a sub beyond ASCII', { claims: { sub: 'Zoë' } }],
    ['has a list for its scope', { claims: { scope: ['task:read'] } }],
    ['is longer than 8 KiB', { claims: { padding: 'x'.repeat(6500) } }],
  ]) {
    test(`is one that ${what}`, async () => expectBad(await withToken(options)));
  }

  test('is one whose algorithm is not accepted, although the key would fit', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    expectBad(await withToken({ kid: 'rsa', alg: 'PS256', key: privateKey }));
    expectBad(await withToken({ kid: 'hmac', alg: 'HS512', key: Buffer.alloc(64, 1) }));
  });

  test('is one without a signature', async () => {
    const [, payload] = gateway.token.split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    for (const token of [`${none}.${payload}.`, `${none}.${payload}.AA`, `${none}.${payload}`]) {
      expectBad(await withHeader(`Bearer ${token}`));
    }
  });

  test('is one signed with a public key as if it were a secret', async () => {
    const publicKey = gateway.issuer.jwks.find((jwk) => jwk.kid === 'rsa');
    expectBad(await withToken({ kid: 'rsa', alg: 'HS256', key: Buffer.from(JSON.stringify(publicKey)) }));
  });

  test('is one in another spelling', async () => {
    const { token } = gateway;
    const [header, payload, signature] = token.split('.');
    for (const spelling of [
      `${token}=`,
      `${token}.`,
      `${token}.${signature}`,
      `${header}=.${payload}.${signature}`,
      `${token} x`,
      `${header}.${payload}.${signature.slice(0, -1)}`,
      `${header}.${payload}.${otherLastCharacter(signature)}`,
      'abc',
      '..',
      'a.b.c',
    ]) {
      expectBad(await withHeader(`Bearer ${spelling}`));
    }
  });

  test('is told apart in the log only', async () => {
    await withToken({ claims: { exp: inSeconds(-10) } });
    assert.match(gateway.lines.at(-1).cause, /"exp"/);
    assert.equal(gateway.lines.at(-1).res.statusCode, 401);
  });
});

describe('the scopes', () => {
  for (const [what, scope] of [
    ['no scope claim', undefined],
    ['no scope', ''],
    ['other scopes', 'task:write trade:read'],
    ['a longer scope', 'task:readonly'],
    ['another case', 'Task:Read'],
  ]) {
    test(`${what} is not enough`, async () => {
      const challenge = 'Bearer realm="gateway", error="insufficient_scope", scope="task:read"';
      expectDenied(await withToken({ claims: { scope } }), 403, 'forbidden', challenge);
    });
  }

  for (const [method, path, scope] of [
    ['POST', '/v1/trade', 'trade:write'],
    ['GET', '/v1/trade', 'trade:read'],
    ['DELETE', '/v1/trade/trd_000000000001', 'trade:write'],
    ['PATCH', '/v1/task/1', 'task:write'],
    ['POST', '/v1/task/1/complete', 'task:write'],
  ]) {
    test(`${method} ${path} needs ${scope}`, async () => {
      const others = ['trade:read', 'trade:write', 'task:read', 'task:write'].filter((s) => s !== scope);
      const token = await gateway.issuer.mint({ claims: { scope: others.join(' ') } });
      const answer = await gateway.anonymous({ method, path, headers: { authorization: `Bearer ${token}` } });
      const challenge = `Bearer realm="gateway", error="insufficient_scope", scope="${scope}"`;
      expectDenied(answer, 403, 'forbidden', challenge, path);
    });
  }
});

// The last character of a 32-byte signature has two unused bits; set one of them.
function otherLastCharacter(signature) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return signature.slice(0, -1) + alphabet[alphabet.indexOf(signature.at(-1)) + 1];
}

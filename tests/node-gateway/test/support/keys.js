// An issuer of its own for each test file: one key per algorithm, and tokens signed with them.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export const ISSUER = 'https://issuer.cutover.example';
export const AUDIENCE = 'gateway';
export const ALL_SCOPES = 'trade:read trade:write task:read task:write';

/** A directory that is gone when the tests of the file are done. */
export function temporaryDirectory() {
  const directory = mkdtempSync(join(tmpdir(), 'node-gateway-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** `{jwksFile, mint, privateKeys}` with the keys rsa, ec, ed and hmac. */
export async function createIssuer() {
  const privateKeys = {};
  const jwks = [];
  for (const [kid, alg] of [
    ['rsa', 'RS256'],
    ['ec', 'ES256'],
    ['ed', 'EdDSA'],
  ]) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    privateKeys[kid] = { alg, key: privateKey };
    jwks.push({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' });
  }
  const secret = randomBytes(32);
  privateKeys.hmac = { alg: 'HS256', key: secret };
  jwks.push({ kty: 'oct', k: secret.toString('base64url'), kid: 'hmac', alg: 'HS256', use: 'sig' });

  const jwksFile = join(temporaryDirectory(), 'jwks.json');
  writeFileSync(jwksFile, JSON.stringify({ keys: jwks }));
  return { jwksFile, jwks, privateKeys, mint: (options) => mint(privateKeys, options) };
}

/** Seconds since the epoch, `offset` seconds from now. */
export const inSeconds = (offset) => Math.floor(Date.now() / 1000) + offset;

function mint(privateKeys, { kid = 'hmac', claims = {}, header = {}, key, alg } = {}) {
  const all = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'trader',
    scope: ALL_SCOPES,
    iat: inSeconds(0),
    exp: inSeconds(600),
  };
  const payload = Object.fromEntries(
    Object.entries({ ...all, ...claims }).filter(([, v]) => v !== undefined),
  );
  const protectedHeader = { alg: alg ?? privateKeys[kid].alg, kid, typ: 'JWT', ...header };
  return new SignJWT(payload)
    .setProtectedHeader(JSON.parse(JSON.stringify(protectedHeader)))
    .sign(key ?? privateKeys[kid].key, header.crit ? { crit: { [header.crit[0]]: true } } : undefined);
}

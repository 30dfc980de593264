// Decides whether a token is good, and what it says about its bearer.
import { jwtVerify } from 'jose';
import { ALGORITHMS, selectKey } from './jwks.js';

const MAX_TOKEN_BYTES = 8192;
const LEEWAY_SECONDS = 5;
const PRINTABLE = /^[\x20-\x7e]*$/;

/** A token that is not accepted. The message is for the log: the caller only learns `unauthorized`. */
export class BadToken extends Error {}

export function createTokenVerifier({ keys, issuer, audience }) {
  const options = {
    issuer,
    audience,
    algorithms: Object.keys(ALGORITHMS),
    clockTolerance: LEEWAY_SECONDS,
    requiredClaims: ['exp'],
  };

  /** The bearer's `{user, scope}`; both are undefined when the token does not say. */
  return async function verify(token) {
    checkForm(token);
    let claims;
    try {
      ({ payload: claims } = await jwtVerify(token, (header) => keyFor(keys, header), options));
    } catch (error) {
      throw error instanceof BadToken ? error : new BadToken(error.message);
    }
    // jose looks at iat only where a maximum age is set.
    if (claims.iat !== undefined && claims.iat > Math.floor(Date.now() / 1000) + LEEWAY_SECONDS) {
      throw new BadToken('iat is in the future');
    }
    return { user: claim(claims, 'sub'), scope: claim(claims, 'scope') };
  };
}

function checkForm(token) {
  if (token.length > MAX_TOKEN_BYTES) throw new BadToken(`longer than ${MAX_TOKEN_BYTES} bytes`);
  const parts = token.split('.');
  if (parts.length !== 3 || !parts.every(isCanonical)) {
    throw new BadToken('not three base64url parts');
  }
}

// No padding, no other alphabet, no unused bits set in the last character: one token has one spelling.
function isCanonical(part) {
  return part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part;
}

function keyFor(keys, header) {
  if (header.crit !== undefined) throw new BadToken('crit is not supported');
  const key = selectKey(keys, header);
  if (!key) throw new BadToken(`no key for alg ${header.alg} and kid ${header.kid}`);
  return key;
}

// Claims become header values, so they must be what a header can carry.
function claim(claims, name) {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !PRINTABLE.test(value)) {
    throw new BadToken(`${name} is not a string of printable ASCII`);
  }
  return value;
}

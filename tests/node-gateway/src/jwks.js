// Loads the public keys of the issuer from a JWKS file and picks the key of a token.
import { readFileSync } from 'node:fs';
import { importJWK } from 'jose';
import { reason, StartupError } from './startup-error.js';

/** The algorithms that are accepted, and the kind of key that each needs. */
export const ALGORITHMS = { RS256: 'RSA', ES256: 'EC', EdDSA: 'OKP', HS256: 'oct' };

export async function loadJwks(file) {
  let document;
  try {
    document = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code) throw new StartupError(`cannot read the keys ${file} (JWKS_FILE): ${reason(error)}`);
    throw new StartupError(`the keys ${file} (JWKS_FILE) are not JSON: ${error.message}`);
  }
  if (!Array.isArray(document?.keys)) {
    throw new StartupError(
      `the keys ${file} (JWKS_FILE) are not a JWKS: a member 'keys' with a list is missing`,
    );
  }
  // RFC 7517, section 5: keys that cannot be used here are ignored, not fatal.
  const usable = document.keys.filter(isUsable);
  if (usable.length === 0) {
    throw new StartupError(
      `the keys ${file} (JWKS_FILE) hold no usable key: each needs kid, alg (${Object.keys(ALGORITHMS).join(', ')}) and a kty that fits`,
    );
  }
  const seen = new Set();
  for (const { kid, alg } of usable) {
    if (seen.has(`${alg} ${kid}`)) {
      throw new StartupError(`${file} (JWKS_FILE) has two keys with kid ${kid} and alg ${alg}: remove one`);
    }
    seen.add(`${alg} ${kid}`);
  }
  return Promise.all(usable.map((jwk) => importKey(file, jwk)));
}

/**
 * The key of a token: named by `kid`, and made for the very algorithm that the token names, so that no token
 * can choose how it is checked (RFC 8725, section 3.1). Without `kid` the algorithm must leave one key only.
 */
export function selectKey(keys, { alg, kid }) {
  const candidates = keys.filter((key) => key.alg === alg && (kid === undefined || key.kid === kid));
  return candidates.length === 1 ? candidates[0].key : undefined;
}

function isUsable(jwk) {
  return (
    typeof jwk?.kid === 'string' &&
    ALGORITHMS[jwk.alg] === jwk.kty &&
    jwk.kty !== undefined &&
    (jwk.use === undefined || jwk.use === 'sig')
  );
}

async function importKey(file, jwk) {
  try {
    return { kid: jwk.kid, alg: jwk.alg, key: await importJWK(jwk, jwk.alg) };
  } catch (error) {
    throw new StartupError(`the key ${jwk.kid} in ${file} (JWKS_FILE) cannot be read: ${error.message}`);
  }
}

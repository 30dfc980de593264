// Asks for a bearer token where the contract does, and for the scopes it names (RFC 6750).
import { Refusal } from '../refusal.js';
import { BadToken } from '../token.js';

const REALM = 'gateway';

export function authenticate(verify) {
  return async (req, _res, next) => {
    const { security } = req.operation;
    if (security.length === 0) return next();
    const token = bearerToken(req);
    if (token === undefined) {
      if (security.includes(null)) return next();
      throw new Refusal(401, 'Authorization header required', { headers: challenge() });
    }
    req.bearer = await bearerOf(verify, token);
    requireScopes(security, req.bearer.scope);
    next();
  };
}

// The credentials of the Bearer scheme, or undefined where there are none of that scheme.
function bearerToken(req) {
  const sent = req.headersDistinct.authorization ?? [];
  if (sent.length > 1) throw multipleTokens();
  const [, scheme, credentials] = /^([^ ]*) *(.*)$/.exec(sent[0] ?? '');
  if (scheme.toLowerCase() !== 'bearer' || credentials === '') return undefined;
  // A proxy in front may have joined repeated headers by commas; no token has one.
  if (credentials.includes(',')) throw multipleTokens();
  return credentials;
}

async function bearerOf(verify, token) {
  try {
    return await verify(token);
  } catch (error) {
    if (!(error instanceof BadToken)) throw error;
    throw new Refusal(401, 'unauthorized', { headers: challenge('invalid_token'), cause: error.message });
  }
}

function requireScopes(security, scope = '') {
  const held = new Set(scope.split(' '));
  const alternatives = security.filter((scopes) => scopes !== null);
  const granted =
    alternatives.length < security.length || alternatives.some((s) => s.every((name) => held.has(name)));
  if (granted) return;
  throw new Refusal(403, 'forbidden', { headers: challenge('insufficient_scope', alternatives[0]) });
}

function multipleTokens() {
  return new Refusal(400, 'multiple tokens', { headers: challenge('invalid_request') });
}

function challenge(error, scopes) {
  const parts = [`realm="${REALM}"`];
  if (error) parts.push(`error="${error}"`);
  if (scopes) parts.push(`scope="${scopes.join(' ')}"`);
  return { 'www-authenticate': `Bearer ${parts.join(', ')}` };
}

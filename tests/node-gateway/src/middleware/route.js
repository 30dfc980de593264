// Finds the request's operation in the contract, or refuses: 404, 405 or 400 for a path that cannot be decoded.
import { findRoute } from '../contract.js';
import { Refusal, requestPath } from '../refusal.js';

export function route(pathItems) {
  return (req, _res, next) => {
    const { operation, malformed, allow } = findRoute(pathItems, req.method, requestPath(req));
    if (malformed) throw new Refusal(400, 'malformed uri');
    if (allow)
      throw new Refusal(405, `${req.method} method not allowed`, { headers: { allow: allow.join(', ') } });
    if (!operation) throw new Refusal(404, 'not found');
    req.operation = operation;
    next();
  };
}

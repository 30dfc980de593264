// Gives each request an id: the caller's if it is one clean token, else a new UUID. Every answer carries it.
import { randomUUID } from 'node:crypto';

const ACCEPTED = /^[A-Za-z0-9._-]{1,128}$/;

export function requestId() {
  return (req, res, next) => {
    // Node joins repeated headers with a comma, which the pattern refuses: two ids are none.
    const sent = req.headers['x-request-id'];
    req.id = ACCEPTED.test(sent ?? '') ? sent : randomUUID();
    res.setHeader('x-request-id', req.id);
    next();
  };
}

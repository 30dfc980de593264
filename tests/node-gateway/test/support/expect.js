// Assertions that read as sentences.
import assert from 'node:assert/strict';

/** The answer is the gateway's own refusal with this text, in the shape that every error has. */
export function expectRefusal(answer, status, message, errors) {
  assert.equal(answer.status, status, `${answer.status} ${answer.bytes}`);
  assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
  const { requestId, ...rest } = answer.json;
  assert.equal(requestId, answer.headers['x-request-id']);
  assert.deepEqual(rest, { message, errors });
}

/** A refusal whose one entry is the path and the message. */
export function expectPathRefusal(answer, status, message, path) {
  expectRefusal(answer, status, message, [{ path, message }]);
}

/** Waits until `condition()` gives something truthy; fails after `patienceMs`. */
export async function eventually(condition, what, patienceMs = 5000) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) assert.fail(`in ${patienceMs} ms never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

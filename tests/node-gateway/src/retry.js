// Decides whether a try is repeated, and after which pause.
const MAX_RETRIES = 2;
const BASE_BACKOFF_MS = 25;
const IDEMPOTENT = ['GET', 'HEAD', 'PUT', 'DELETE'];

/**
 * @param {{method: string, replayable: boolean}} request a streamed body can be sent once only
 * @param {{failure?: string, status?: number}} outcome of the try
 * @param {number} retries done so far
 */
export function shouldRetry(request, outcome, retries) {
  if (retries >= MAX_RETRIES || !request.replayable || !IDEMPOTENT.includes(request.method)) return false;
  // A try that timed out is not repeated: the caller has waited for it already, and the upstream is busy.
  return outcome.failure === 'unavailable' || outcome.status === 503;
}

/** Fully jittered, 0–25 ms before the first retry and 0–75 ms before the second. `random` is in [0, 1). */
export function backoffMs(retries, random) {
  return random * BASE_BACKOFF_MS * (2 ** (retries + 1) - 1);
}

// One upstream service: its connection pool, the time limits of a try, its retries and its breaker.
import { setTimeout as sleep } from 'node:timers/promises';
import CircuitBreaker from 'opossum';
import { Pool } from 'undici';
import { backoffMs, shouldRetry } from './retry.js';

/** The caller hung up; there is nobody left to answer. */
export class ClientGone extends Error {}

/**
 * No answer, or one that counts against the upstream.
 * `kind` is `unavailable` (no connection, or none until the headers), `timeout`, `open` (refused by the breaker
 * or because pool and queue are full) or `status` (an answer of 500 and above, in `response`).
 */
export class UpstreamFailure extends Error {
  constructor(kind, { response, cause } = {}) {
    super(cause?.message ?? kind, { cause });
    this.kind = kind;
    this.response = response;
  }
}

// As much as is taken from callers.
const MAX_HEADER_BYTES = 60 * 1024;

class TryTimeout extends Error {}

export class Upstream {
  #pool;
  #breaker;
  #settings;
  #metrics;

  constructor(settings, breaker, metrics) {
    this.name = settings.name;
    this.retryAfterSeconds = Math.ceil(breaker.resetMs / 1000);
    this.#settings = settings;
    this.#metrics = metrics;
    this.#pool = new Pool(settings.origin, {
      connections: settings.connections,
      pipelining: 1,
      maxHeaderSize: MAX_HEADER_BYTES,
      connect: { timeout: settings.connectTimeoutMs },
      // Each try has one limit for all of it, see #try.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#breaker = new CircuitBreaker((exchange) => exchange(), {
      name: settings.name,
      timeout: false,
      capacity: settings.connections + settings.pending,
      errorThresholdPercentage: breaker.errorPercent,
      volumeThreshold: breaker.volume,
      rollingCountTimeout: breaker.windowMs,
      resetTimeout: breaker.resetMs,
      rollingPercentilesEnabled: false,
      // Only what the upstream did counts: not a caller who left, not a full queue.
      errorFilter: (error) => !(error instanceof UpstreamFailure),
    });
  }

  get isOpen() {
    return this.#breaker.opened;
  }

  /** 0 closed, 1 half open, 2 open. */
  get breakerState() {
    if (this.#breaker.opened) return 2;
    return this.#breaker.halfOpen ? 1 : 0;
  }

  /**
   * Sends the request and gives the answer `{status, headers, body}`, whose body must be consumed or destroyed.
   * @param {{operation: string, method: string, path: string, headers: string[], body: unknown,
   *   replayable: boolean, signal: AbortSignal}} request `signal` fires when the caller is gone
   * @throws {UpstreamFailure | ClientGone}
   */
  async send(request) {
    try {
      return await this.#breaker.fire(() => this.#exchange(request));
    } catch (error) {
      if (error.code === 'EOPENBREAKER' || error.code === 'ESEMLOCKED') {
        this.#metrics.counted(this.name, request.operation, 503);
        throw new UpstreamFailure('open', { cause: error });
      }
      if (error.kind === 'status') return error.response;
      throw error;
    }
  }

  async close() {
    this.#breaker.shutdown();
    await this.#pool.destroy();
  }

  // All tries of a request. Rejects where the breaker shall count, also with an answer of 500 and above.
  async #exchange(request) {
    for (let retries = 0; ; retries += 1) {
      const { response, failure } = await this.#try(request);
      const outcome = { status: response?.status, failure: failure?.kind };
      if (!shouldRetry(request, outcome, retries)) {
        if (failure) throw failure;
        if (response.status >= 500) throw new UpstreamFailure('status', { response });
        return response;
      }
      if (response) discard(response);
      await sleep(backoffMs(retries, Math.random()), undefined, { signal: request.signal }).catch(() => {
        throw new ClientGone();
      });
    }
  }

  async #try(request) {
    const limit = this.#limit(request.signal);
    const observed = this.#metrics.started(this.name, request.operation);
    try {
      const answer = await this.#pool.request({
        method: request.method,
        path: request.path,
        headers: request.headers,
        body: request.body,
        signal: limit.signal,
        responseHeaders: 'raw',
      });
      observed(answer.statusCode);
      // The limit holds until the last byte of the answer is read.
      answer.body.once('close', limit.lift);
      return { response: { status: answer.statusCode, headers: answer.headers, body: answer.body } };
    } catch (error) {
      limit.lift();
      if (request.signal.aborted) throw new ClientGone();
      // A request that undici will not even send says nothing about the upstream.
      if (error.code?.startsWith('UND_ERR_INVALID')) throw error;
      const kind = error instanceof TryTimeout ? 'timeout' : 'unavailable';
      observed(kind === 'timeout' ? 504 : 502);
      return { failure: new UpstreamFailure(kind, { cause: error }) };
    }
  }

  // A signal that ends a try when its time is over or its caller gone.
  #limit(callerSignal) {
    const controller = new AbortController();
    const onGone = () => controller.abort(new ClientGone());
    const timer = setTimeout(
      () => controller.abort(new TryTimeout(`no answer in ${this.#settings.timeoutMs} ms`)),
      this.#settings.timeoutMs,
    );
    if (callerSignal.aborted) onGone();
    else callerSignal.addEventListener('abort', onGone, { once: true });
    const lift = () => {
      clearTimeout(timer);
      callerSignal.removeEventListener('abort', onGone);
    };
    return { signal: controller.signal, lift };
  }
}

/** Reads an answer's body away, so that its connection can be used again. */
export function discard(response) {
  response.body.dump().catch(() => {});
}

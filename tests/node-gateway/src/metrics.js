// What the gateway tells Prometheus, and the small server that tells it on a port of its own.
import http from 'node:http';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'router_upstream_requests_total',
    help: 'Tries sent to an upstream, by the status it answered; 502, 504, 503: none came, too late, not sent',
    labelNames: ['upstream', 'operation', 'status'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'router_upstream_request_duration_seconds',
    help: 'Time of a try until the headers of the answer, or until it failed',
    labelNames: ['upstream', 'operation'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
    registers: [registry],
  });
  return {
    registry,
    counted: (upstream, operation, status) => requests.inc({ upstream, operation, status }),
    started: (upstream, operation) => {
      const stop = duration.startTimer({ upstream, operation });
      return (status) => {
        stop();
        requests.inc({ upstream, operation, status });
      };
    },
    watchBreakers: (upstreams) =>
      new Gauge({
        name: 'router_breaker_state',
        help: 'State of the breaker of an upstream: 0 closed, 1 half open, 2 open',
        labelNames: ['upstream'],
        registers: [registry],
        collect() {
          for (const upstream of upstreams) this.set({ upstream: upstream.name }, upstream.breakerState);
        },
      }),
  };
}

export function createMetricsServer(registry) {
  return http.createServer(async (req, res) => {
    if (req.method !== 'GET' || req.url !== '/metrics') return res.writeHead(404).end();
    try {
      const text = await registry.metrics();
      res.writeHead(200, { 'content-type': registry.contentType }).end(text);
    } catch (error) {
      res.writeHead(500).end(error.message);
    }
  });
}

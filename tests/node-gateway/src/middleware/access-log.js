// One pino-http line for each request, with its trace and operation.
import pinoHttp from 'pino-http';

export function accessLog(logger) {
  return pinoHttp({
    logger,
    genReqId: (req) => req.id,
    customLogLevel: (_req, res, error) => {
      if (error || res.statusCode >= 500) return 'error';
      return res.statusCode >= 400 ? 'warn' : 'info';
    },
    customProps: (req) => ({
      traceId: req.trace?.id,
      operation: req.operation?.id,
      upstream: req.operation?.upstream,
      cause: req.refusalCause,
    }),
  });
}

// Puts the middlewares in the order in which a request is checked. The README's table is this list.
import express from 'express';
import { accessLog } from './middleware/access-log.js';
import { authenticate } from './middleware/authenticate.js';
import { body } from './middleware/body.js';
import { compress } from './middleware/compress.js';
import { errors } from './middleware/errors.js';
import { forward } from './middleware/forward.js';
import { ownOperations } from './middleware/own-operations.js';
import { requestId } from './middleware/request-id.js';
import { route } from './middleware/route.js';
import { traceContext } from './middleware/trace-context.js';
import { createValidator } from './middleware/validate.js';

export async function createApp({ contract, verify, upstreams, maxBodyBytes, validation = true, logger }) {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // The validator matches paths by these settings, and shall do it as our own router does.
  app.enable('strict routing');
  app.enable('case sensitive routing');

  app.use(requestId());
  app.use(traceContext());
  app.use(accessLog(logger));
  app.use(compress());
  app.use(route(contract.pathItems));
  app.use(authenticate(verify));
  app.use(body(maxBodyBytes, validation));
  if (validation) app.use(await createValidator(app, contract.document));
  app.use(ownOperations(upstreams));
  app.use(forward(upstreams));
  app.use(errors());
  return app;
}

// The process: reads the environment, starts the gateway, says that it is ready, stops when told to.
import './environment.js';
import { loadConfig } from './config.js';
import { startGateway } from './gateway.js';
import { createLogger } from './logging.js';
import { StartupError } from './startup-error.js';

try {
  await run(process.env);
} catch (error) {
  const text = error instanceof StartupError ? error.message : `cannot start: ${error.stack}`;
  process.stderr.write(`node-gateway: ${text}\n`);
  process.exit(1);
}

async function run(env) {
  const config = loadConfig(env);
  const { logger, flush } = createLogger(config.log);
  const gateway = await startGateway(config, logger);
  // Written before any log line can be, so that whoever started the process may read just one line.
  process.stdout.write(
    `${JSON.stringify({ ready: true, address: gateway.address, metrics: gateway.metricsAddress })}\n`,
  );

  let stopping = false;
  const stop = async (signal) => {
    // A second signal means that somebody is tired of waiting.
    if (stopping) process.exit(1);
    stopping = true;
    logger.info({ signal }, 'stopping');
    await gateway.stop();
    logger.info('stopped');
    flush();
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'uncaught exception');
    flush();
    process.exit(1);
  });
}

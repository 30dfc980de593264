// The logger: JSON lines on stdout or in LOG_FILE, without anything that opens a door.
import { mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import pino from 'pino';
import { reason, StartupError } from './startup-error.js';

const SECRETS = [
  'req.headers.authorization',
  'req.headers["proxy-authorization"]',
  'req.headers.cookie',
  'res.headers["set-cookie"]',
];

/** `sink` takes the lines instead of stdout or the file. */
export function createLogger({ level, file }, sink) {
  const destination = sink ?? pino.destination({ dest: file ? openLog(file) : 1, sync: false });
  const logger = pino({ level, redact: { paths: SECRETS, censor: '[redacted]' } }, destination);
  return { logger, flush: () => flush(destination) };
}

function openLog(file) {
  try {
    mkdirSync(dirname(file), { recursive: true });
    return openSync(file, 'a');
  } catch (error) {
    throw new StartupError(`cannot write the log ${file} (LOG_FILE): ${reason(error)}`);
  }
}

function flush(destination) {
  try {
    destination.flushSync();
  } catch {
    // Its reader is gone, and with it whoever could be told.
  }
}

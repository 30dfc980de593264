// A mistake of the operator that keeps the gateway from starting. Its message is the one line that is shown.
export class StartupError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = 'StartupError';
  }
}

// The reason of a failed file operation, without the path and the system call that Node puts around it.
export function reason(error) {
  const known = {
    ENOENT: 'no such file',
    EISDIR: 'it is a directory',
    EACCES: 'permission denied',
    ENOTDIR: 'a parent is not a directory',
  };
  return known[error.code] ?? error.message;
}

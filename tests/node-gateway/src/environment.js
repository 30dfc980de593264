// Sets the default of NODE_ENV. Imported first by main.js, because Express and the validator read it
// while they load: outside production Express would put stack traces into its answers.
process.env.NODE_ENV ??= 'production';

// Bundles the modules of a project for browsers and tells what the bundler complains of.
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { createLogger, build as vite } from 'vite';
import webpack from 'webpack';

/** Each takes a project's folder and the names of modules in it; resolves to the errors and warnings, one line each. */
export const bundlers = { esbuild: withEsbuild, webpack: withWebpack, vite: withVite };

async function withEsbuild(folder, modules) {
  const options = { bundle: true, format: 'esm', platform: 'browser', write: false, logLevel: 'silent' };
  const entryPoints = modules.map((name) => join(folder, name));
  const result = await esbuild({ ...options, entryPoints, outdir: folder }).catch((error) => error);
  if (!result.errors) throw result;
  return [...result.errors, ...result.warnings].map(({ text, location }) => `${location?.file ?? ''}: ${text}`);
}

async function withWebpack(folder, modules) {
  const compiler = webpack({
    mode: 'production',
    target: 'web',
    context: folder,
    entry: Object.fromEntries(modules.map((name) => [name, `./${name}`])),
    experiments: { outputModule: true },
    output: { path: join(folder, 'webpack'), library: { type: 'module' } },
    optimization: { minimize: false, concatenateModules: false },
    performance: false,
  });
  const stats = await new Promise((resolve, reject) => {
    compiler.run((error, stats) =>
      compiler.close((closing) => ((error ?? closing) ? reject(error ?? closing) : resolve(stats))),
    );
  });
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  return [...errors, ...warnings].map(({ moduleName, message }) => `${moduleName ?? ''}: ${message.split('\n')[0]}`);
}

async function withVite(folder, modules) {
  const complaints = new Set();
  const complain = (message) => complaints.add(message);
  const input = Object.fromEntries(modules.map((name) => [name, join(folder, name)]));
  // Warnings of the bundler inside come here, Vite's own to the logger.
  const onLog = (level, { message }) => level === 'warn' && complain(message);
  const rolldownOptions = { input, onLog, preserveEntrySignatures: 'strict' };
  const customLogger = { ...createLogger('silent'), warn: complain, warnOnce: complain, error: complain };
  const build = { write: false, minify: false, rolldownOptions };
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = 'production'; // only then does Vite warn of modules of Node
  try {
    await vite({ root: folder, configFile: false, customLogger, build, logLevel: 'warn' });
  } catch (error) {
    complain(error.message);
  } finally {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = NODE_ENV;
  }
  return [...complaints];
}
